"""Whose version a definition on the embedded engine is, as text in a column."""

import orjson

from wfgov_dagster.ports.engine import Marker


def marker_from(text: str) -> Marker | None:
    """None where the column has `{}`: a definition that is not ours."""
    found = orjson.loads(text)
    return Marker(**found) if found else None
