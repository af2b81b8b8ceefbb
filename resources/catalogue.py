"""The catalogue file: governed tables as the last orchestration saw them.

Code locations load it instead of the database, so that they load when the database is down.
"""

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from resources import names

if TYPE_CHECKING:
    from wfgov_dagster.usecases.list_tables import ListedTable, TableList

SCHEME: Final = "catalogue-1"
NO_DOMAIN: Final = "no_domain"  # asset group of tables without a business domain


def table_key(db_name: str, table_name: str) -> dg.AssetKey:
    """Below `table`, so that no table is taken for an asset of ours."""
    return dg.AssetKey(["table", *(names.safe(part, names.KEY_PART) for part in (db_name, table_name) if part)])


def save(file: Path, tables: "TableList") -> bool:
    """Atomically; False if the file said the same already."""
    document = {"scheme": SCHEME, "left_out": tables.left_out, "tables": [_row(one) for one in tables.tables]}
    text = json.dumps(document, ensure_ascii=False, indent=0)
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    Path(temporary).replace(file)
    return True


def load(file: Path) -> list[dg.AssetSpec]:
    """Nothing when there is no file yet, or none that this release can read: that is said in the log, and loads."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return [_spec(row) for row in document["tables"]] if document["scheme"] == SCHEME else []
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as exc:
        logging.getLogger("wfgov").warning("%s is left out: %r; the next orchestrate writes it anew", file, exc)
        return []


def _row(one: "ListedTable") -> Mapping[str, object]:
    table = one.table
    return {
        "name": [table.db_name, table.table_name],
        "layer": table.layer,
        "business_domain": table.business_domain,
        "owner": table.owner,
        "table_type": table.table_type,
        "upstream": one.upstream,
        "circular": one.circular,
    }


def _spec(row: Mapping[str, Any]) -> dg.AssetSpec:
    domain, owner, layer = row["business_domain"], row["owner"], row["layer"]
    texts = {"business_domain": domain, "owner": owner, "layer": layer, "made also from": _list(row["circular"])}
    return dg.AssetSpec(
        table_key(*row["name"]),
        deps=[table_key(*name) for name in row["upstream"]],
        group_name=names.safe(domain, names.GROUP) if domain else NO_DOMAIN,
        owners=[names.owner(owner)] if owner else [],
        tags={"wfgov/layer": names.safe(layer, names.TAG_VALUE)} if layer else {},
        kinds={"view" if row["table_type"].lower() == "view" else "table"},
        metadata={name: text for name, text in texts.items() if text},
    )


def _list(found: Sequence[Sequence[str]]) -> str:
    return ", ".join(".".join(part for part in name if part) for name in found)
