"""When schedules of an embedded engine fired, and what that started."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.embedded import EmbeddedStore, FireRow

_LARGEST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: of all pages."""

    fires: Sequence[FireRow]
    page: int
    size: int
    total: int


def list_fires(store: EmbeddedStore, of: tuple[str, str | None], page: int = 1, size: int = 20) -> Page:
    """`of`: engine and workflow, None = all. The newest first. Raises InvalidInput."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise InvalidInput(f"page {page} of {size}", where="fires", hint=f"pages from 1, of 1 to {_LARGEST_PAGE}")
    return Page(store.fires(*of, page, size), page, size, store.count_fires(*of))
