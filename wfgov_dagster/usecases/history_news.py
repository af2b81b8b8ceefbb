"""What is new among the instances that an engine shows. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from wfgov_dagster.ports.engine import Engine, Instance, TaskInstance
from wfgov_dagster.ports.instances import CachedInstance, Deployed, SyncState

KEPT: Final = 10  # instances of each workflow
LOST: Final = "lost"  # open as far as we knew when the engine forgot it
_OPEN: Final = frozenset({"submitted", "running"})
_LONGEST: Final = {"trigger": 50, "started_by": 255}  # whatever an engine says has to fit its column


def is_open(instance: Instance) -> bool:
    return instance.state in _OPEN


@dataclass(frozen=True, slots=True)
class News:
    """`changed`: new ones and those that are not as we knew them, among the last of each workflow. `gone`: what we
    kept and is not among them any more. `failed`: of the changed ones, those to be told of. `untold`: ids of those
    that Dagster has to hear of once they have ended."""

    changed: Sequence[CachedInstance]
    gone: Collection[str]
    failed: Sequence[CachedInstance]
    untold: Collection[str]
    foreign: int


class Ours:
    """Which workflow and version of ours an instance is one of."""

    def __init__(self, engine: Engine, deployed: Sequence[Deployed]) -> None:
        self._pages = engine.pages
        self._by_engine_code = {one.engine_workflow_code: one for one in deployed}
        self._by_code = {one.workflow_code: one for one in deployed}
        self._by_id = {one.workflow_id: one for one in deployed}

    def __len__(self) -> int:
        return len(self._by_code)

    def deployed(self, instance: Instance) -> Deployed | None:
        """None: none of ours. A name that is ours does not make it ours where the engine has codes of its own."""
        if instance.engine_workflow_code is not None:
            return self._by_engine_code.get(instance.engine_workflow_code)
        return self._by_code.get(instance.workflow_code)

    def take(self, instance: Instance) -> CachedInstance | None:
        one = self.deployed(instance)
        if one is None:
            return None
        version = instance.version_no
        if version is None and instance.engine_version is not None:
            version = one.versions.get(instance.engine_version)
        known = replace(
            instance,
            workflow_code=one.workflow_code,
            version_no=version,
            engine_workflow_code=None,
            **{name: getattr(instance, name)[:longest] for name, longest in _LONGEST.items()},
        )
        page = self._pages(one.engine_workflow_code, instance.instance_id)
        return CachedInstance(one.workflow_id, known, page, tasks_due=known.state != LOST)

    def tasks(self, cached: CachedInstance, found: Sequence[TaskInstance]) -> list[TaskInstance]:
        """Each task once, by our codes; where the engine shows several tries as several, the last."""
        names = self._by_id[cached.workflow_id].task_codes
        last: dict[str, TaskInstance] = {}
        for task in found:
            code = names.get(task.task_code, task.task_code)
            if code not in last or last[code].attempt <= task.attempt:
                last[code] = replace(task, task_code=code)
        return list(last.values())


@dataclass(frozen=True, slots=True)
class Look:
    """What an engine showed. `told_elsewhere`: whoever ran it tells Dagster and people."""

    begun: SyncState
    ours: Ours
    found: Sequence[Instance]
    told_elsewhere: bool

    @property
    def newest(self) -> Instance | None:
        return max(self.found, key=order, default=None)

    @property
    def ended_last(self) -> datetime | None:
        """None: nothing was there, so whatever comes is new."""
        return max((one.ended_at or one.submitted_at for one in self.found), default=None)

    def news(self, known: Mapping[str, CachedInstance]) -> News:
        seen = {one.instance.instance_id: one for one in map(self.ours.take, self.found) if one is not None}
        last = _last({**known, **seen})
        changed = [one for key, one in seen.items() if key in last and _differs(known.get(key), one)]
        ids = {one.instance.instance_id for one in changed}
        foreign = len({one.instance_id for one in self.found}) - len(seen)
        if self.told_elsewhere:
            return News(changed, set(known) - last, [], set(), foreign)
        if self.begun.read_at is None:
            ids -= {one.instance.instance_id for one in changed if not is_open(one.instance)} - _newest_success(changed)
        failed = [one for one in changed if _has_failed(self.begun, known, one)]
        return News(changed, set(known) - last, failed, ids, foreign)


def _last(rows: Mapping[str, CachedInstance]) -> set[str]:
    """Ids of the last instances of each workflow."""
    by_workflow: dict[int, list[Instance]] = {}
    for one in rows.values():
        by_workflow.setdefault(one.workflow_id, []).append(one.instance)
    return {
        one.instance_id
        for each in by_workflow.values()
        for one in sorted(each, key=order, reverse=True)[:KEPT]
    }  # fmt: skip


def order(instance: Instance) -> tuple[datetime, int, str]:
    """The oldest first. Ids are texts; those that are numbers count up."""
    return instance.submitted_at, len(instance.instance_id), instance.instance_id


def _differs(before: CachedInstance | None, now: CachedInstance) -> bool:
    return before is None or (before.instance, before.page) != (now.instance, now.page)


def _newest_success(changed: Sequence[CachedInstance]) -> set[str]:
    """Of each workflow: what an old engine ran long ago is history, only how its tables stand now is shown."""
    newest: dict[int, Instance] = {}
    for one in sorted(changed, key=lambda each: order(each.instance)):
        if one.instance.state == "success":
            newest[one.workflow_id] = one.instance
    return {one.instance_id for one in newest.values()}


def _has_failed(state: SyncState, known: Mapping[str, CachedInstance], now: CachedInstance) -> bool:
    """Newly, and not before anybody looked: by the engine's own clock, which may differ from ours."""
    one, before = now.instance, known.get(now.instance.instance_id)
    if one.state != "failed" or state.read_at is None:
        return False
    if before is not None:
        return (before.instance.state, before.instance.run) != (one.state, one.run)
    at = one.ended_at or one.started_at or one.submitted_at
    return state.quiet_until is None or at > state.quiet_until
