"""What advances flows: definitions by name and version, what a manager needs beside the rows, and what it answers."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from wfgov_dagster.domain.flow import FlowDefinition, FlowState
from wfgov_dagster.errors import FlowDefineNotFound, InvalidInput
from wfgov_dagster.ports.flows import FlowRow
from wfgov_dagster.ports.runtime import Meter
from wfgov_dagster.ports.store import Store

_CHECKED: Final = 10_000  # flows that are remembered to fit; more are checked again


class Registry:
    """Every definition this process knows, old versions included while flows on them may be under way."""

    def __init__(self, definitions: Iterable[FlowDefinition] = ()) -> None:
        self._known: dict[str, dict[int, FlowDefinition]] = {}
        self._checked: set[str] = set()
        for one in definitions:
            self.register(one)

    def register(self, definition: FlowDefinition) -> None:
        """Raises InvalidInput for a name and version that is there already, or a definition that makes no sense."""
        names = [node.name for node in definition.nodes]
        where = f"flow {definition.name} version {definition.version}"
        if not definition.name or definition.version < 1 or not names or len(set(names)) < len(names):
            raise InvalidInput("a flow needs a name, a version from 1, and flow nodes of different names", where=where)
        versions = self._known.setdefault(definition.name, {})
        if versions.setdefault(definition.version, definition) is not definition:
            raise InvalidInput("it is registered already", where=where, hint="a changed definition is a new version")

    def get(self, name: str, version: int | None = None) -> FlowDefinition:
        """The newest version, or the one asked for. Raises FlowDefineNotFound."""
        versions = self._known.get(name, {})
        if versions and version is None:
            return versions[max(versions)]
        if version in versions:
            return versions[version]
        asked = f"flow {name}" if version is None else f"flow {name} version {version}"
        known = ", ".join(f"{one.name} {one.version}" for one in self) or "none"
        raise FlowDefineNotFound(where=asked, hint=f"a process that has it registered goes on; known here: {known}")

    def checked(self, flow_key: str) -> None:
        """That flow has the flow nodes of its definition here."""
        if len(self._checked) >= _CHECKED:
            self._checked.clear()
        self._checked.add(flow_key)

    def is_checked(self, flow_key: str) -> bool:
        return flow_key in self._checked

    def __iter__(self) -> Iterator[FlowDefinition]:
        return iter([one for _, versions in sorted(self._known.items()) for _, one in sorted(versions.items())])

    def keys(self) -> frozenset[tuple[str, int]]:
        """(name, version); version 0 stands for a flow whose version nobody has chosen yet."""
        known = {(one.name, one.version) for one in self}
        return frozenset(known | {(name, 0) for name in self._known})


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """`lease_seconds` has to be longer than a flow node's function takes between two calls of its `keep`.
    `interruptions`: so often in a row a process may die in one flow node before that is taken for its fault."""

    lease_seconds: float = 60.0
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    interruptions: int = 20
    batch: int = 50


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a flow node's function said, once it is on record. `outcome`: ok, again, retry or failed."""

    flow_id: int
    flow_name: str
    node: str
    action: str
    attempt: int
    outcome: str
    message: str = ""


def _ignore(_event: NodeReport) -> None: ...


@dataclass(frozen=True, slots=True)
class FlowManager:
    """`holder` names it and no other; `is_dead` knows of another's holder that its process is gone for sure; `chance`
    gives 0 … 1 and spreads retries (full jitter). `tell` hears of every word after it was written down."""

    store: Store
    definitions: Registry
    holder: str
    is_dead: Callable[[str], bool]
    chance: Callable[[], float]
    limits: FlowLimits
    meter: Meter
    tell: Callable[[NodeReport], None] = field(default=_ignore)

    def retry_seconds(self, failures: int) -> float:
        longest = self.limits.first_wait_seconds * 2.0 ** min(failures - 1, 30)
        return self.chance() * min(self.limits.longest_wait_seconds, longest)


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more to do by itself: it has come to an end, or a person has to say how it goes on."""

    flow_id: int
    state: FlowState
    error_code: str | None = None
    message: str | None = None

    @classmethod
    def of(cls, flow: FlowRow) -> "Ended":
        return cls(flow.id, flow.state, flow.error_code, flow.error)


@dataclass(frozen=True, slots=True)
class Held:
    """Another manager is at it, for so long at least unless it dies."""

    flow_id: int
    holder: str
    seconds: float
