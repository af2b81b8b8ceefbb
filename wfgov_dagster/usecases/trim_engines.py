"""Ask engines to forget old versions of a workflow. What they refuse is written down, and stops nothing."""

from collections.abc import Callable

from wfgov_dagster.errors import EngineError, WfgovError
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.retention import EngineWord, Scanned
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.plan_clean_up import look
from wfgov_dagster.usecases.publisher import Publisher

_LIST = 0  # stands for the engine's list where a version's number would
_BUSY = "left out: it is being published"


def trim_engines(
    publisher: Publisher,
    who: tuple[str, int],
    found: Scanned,
    sleep: Callable[[float], None],
    breathe: Callable[[], None],
) -> None:
    """Of one workflow, on each engine that was confirmed to hold it. `who`: actor and flow."""
    with publisher.store.read() as work:
        there = [engines.get(work, name) for name in work.retention.deployed_on(found.id)]
    for registered in there:
        _Trim(publisher, who, found, registered).run(sleep, breathe)


class _Trim:
    """One workflow on one engine."""

    def __init__(
        self, publisher: Publisher, who: tuple[str, int], found: Scanned, registered: RegisteredEngine
    ) -> None:
        self._publisher, self._found, self._engine = publisher, found, registered
        self._actor, self._flow_id = who

    def run(self, sleep: Callable[[float], None], breathe: Callable[[], None]) -> None:
        removed: list[int] = []
        try:
            going = self._going()
        except WfgovError as failure:
            self._note(_LIST, "unknown" if failure.retryable else "refused", failure.sentence())
            return
        for version in going:
            breathe()
            if not self._asked(version, sleep):
                continue
            word = self._ask(version)
            self._note(version, *word)
            if word[0] == "removed":
                removed.append(version)
            elif word[0] == "unknown":  # whoever does not answer is not asked on
                break
        if removed:
            detail = {"flow_id": self._flow_id, "engine": self._engine.name, "engine_versions": removed}
            with self._publisher.store.write() as work:
                work.audit.add(self._actor, "clean_up", ("workflow", self._found.code), detail)

    def _going(self) -> list[int]:
        """Nothing while a publish is under way: what is the engine's current version may just change."""
        publisher, found = self._publisher, self._found
        with publisher.store.read() as work:
            busy = work.retention.is_publishing(found.id) or work.leases.left(self._engine.id, found.code) > 0
            rule, now = work.retention.rule(found.code), work.retention.now()
        if busy:
            self._note(_LIST, "refused", _BUSY)
            return []
        going, _ = look(publisher.engine_of(self._engine), found.code, rule, now)
        return going

    def _asked(self, version: int, sleep: Callable[[float], None]) -> bool:
        """Written down before the call, at the engine's pace. False: this clean-up has its answer."""
        publisher = self._publisher
        rate = publisher.limits.writes_per_second
        while True:
            with publisher.store.write() as work:
                early = work.paces.take(self._engine.id, rate) if rate else 0.0
                if early <= 0:
                    return work.retention.ask_engine(self._flow_id, self._engine.id, self._found.code, version)
            sleep(early)

    def _ask(self, version: int) -> tuple[str, str | None]:
        try:
            self._publisher.engine_of(self._engine).delete_version(self._found.code, version)
        except EngineError as failure:
            return "unknown" if failure.retryable else "refused", failure.sentence()
        return "removed", None

    def _note(self, version: int, outcome: str, message: str | None) -> None:
        word = EngineWord(self._engine.name, self._found.code, version, outcome, message)
        with self._publisher.store.write() as work:
            work.retention.engine_said(self._flow_id, self._engine.id, self._found.code, word)
