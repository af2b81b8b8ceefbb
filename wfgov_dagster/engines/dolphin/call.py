"""One request to a DolphinScheduler server, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wfgov_dagster.engines.dolphin.shapes import Shape, anything


class Retry(StrEnum):
    READ = "read"  # may be repeated freely
    WRITE = "write"  # never repeated by itself: whoever wants it again observes first


@dataclass(frozen=True, slots=True)
class Call:
    """`what`: for people. `path` below the server's URL; its parts are numbers or fixed words. `parameters`: of the
    query for GET and DELETE, else of a form. `catch_all`: the code that the endpoint answers with when something in the
    server broke, so that it is neither a yes nor a no. `answer`: what comes with a yes."""

    what: str
    method: str
    path: str
    retry: Retry
    catch_all: int
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    answer: Shape = anything

    @property
    def in_query(self) -> bool:
        return self.method in {"GET", "DELETE"}
