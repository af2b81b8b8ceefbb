"""What an API family takes, as tests/doubles/contracts/ tells it, and what is wrong with a request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("contracts")
FILES = {"3.1": "3.1.1.txt", "3.2": "3.2.2.txt", "3.3": "3.4.3.txt"}
_NUMBERS = {"int", "Integer", "long", "Long"}
_ENUMS = {
    "ReleaseState": {"ONLINE", "OFFLINE"},
    "FailureStrategy": {"END", "CONTINUE"},
    "WarningType": {"NONE", "SUCCESS", "FAILURE", "ALL"},
    "Priority": {"HIGHEST", "HIGH", "MEDIUM", "LOW", "LOWEST"},
    "TaskExecuteType": {"BATCH", "STREAM"},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    name: str
    kind: str
    optional: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`created`: it answers 201. `catch_all`: the number of its own error."""

    verb: str
    path: str
    created: bool
    catch_all: int
    wanted: Sequence[Wanted]

    def match(self, path: str) -> Mapping[str, str] | None:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()

    def faults(self, told: Mapping[str, str]) -> list[str]:
        known = {one.name: one for one in self.wanted}
        found = [f"no parameter {name}" for name in told if name not in known]
        found += [f"{one.name} is missing" for one in self.wanted if not one.optional and one.name not in told]
        return found + [
            f"{name} is {value!r}" for name, value in told.items() if name in known and _bad(known[name], value)
        ]


@cache
def endpoints(family: str) -> Sequence[Endpoint]:
    lines = (FOLDER / FILES[family]).read_text().splitlines()
    found = []
    for at, line in enumerate(lines):
        if line.startswith(("#", " ")):
            continue
        verb, path, status, _, number = line.split()
        told = lines[at + 1].strip() if at + 1 < len(lines) and lines[at + 1].startswith(" ") else ""
        wanted = [_wanted(one) for one in told.split(", ") if one]
        found.append(Endpoint(verb, path, status == "CREATED", int(number), wanted))
    return found


def find(family: str, verb: str, path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
    """Words go before what stands for anything."""
    fits = [(one, found) for one in endpoints(family) if one.verb == verb and (found := one.match(path)) is not None]
    return min(fits, key=lambda fit: len(fit[1]), default=None)


def _wanted(text: str) -> Wanted:
    name, _, kind = text.partition(":")
    kind, _, default = kind.partition("=")
    return Wanted(name.rstrip("?"), kind, name.endswith("?"), default or None)


def _bad(wanted: Wanted, value: str) -> bool:
    if wanted.kind in _NUMBERS:
        return re.fullmatch(r"-?\d+", value) is None
    return wanted.kind in _ENUMS and value not in _ENUMS[wanted.kind]
