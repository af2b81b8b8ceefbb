"""Hands that change an engine behind our back, each way with what an inspection has to call it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from tests.doubles.dolphin_manners import DolphinManners
from tests.integration.publish_support import MORNING, NIGHTLY
from wfgov_dagster.domain.definition import Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.drift import Kind
from wfgov_dagster.domain.snapshot import document, parse, schedule_body
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.embedded import embedded_workflow, embedded_workflow_version

OLD, NEW = "echo old", "echo new"
STRANGER = "stranger"
Change = Callable[[Definition], Definition]


def a_workflow(code: str, text: str = NEW) -> Definition:
    """`load` after `extract`; `check` stands alone."""
    names = {"extract": text, "load": 'echo "${day}"', "check": "true"}
    tasks = [Task(f"{code}.{name}", name, node_type="SHELL", text=told) for name, told in names.items()]
    settings = Settings(code, code, "told by us", schedule=NIGHTLY)
    return make(settings, tasks, [(f"{code}.extract", f"{code}.load")])


class Hands(Protocol):
    """A person at the engine's own pages, who leaves what is not asked for as it is."""

    def content(self, code: str, change: Change) -> None: ...
    def schedule(self, code: str, schedule: Schedule | None) -> None: ...
    def release(self, code: str, *, online: bool) -> None: ...
    def fire(self, code: str, *, online: bool) -> None: ...
    def remove(self, code: str) -> None: ...
    def back(self, code: str) -> None:
        """To its version 1."""

    def unmark(self, code: str) -> None: ...
    def draw(self, definition: Definition, marker: Marker | None = None) -> None: ...
    def rename(self, code: str, name: str) -> None: ...


@dataclass(frozen=True)
class DoubleHands:
    engine: DolphinManners

    def content(self, code: str, change: Change) -> None:
        seen = self.engine.observe(code)
        assert seen is not None
        self.engine.edit(change(seen.definition))
        if seen.schedule_online:
            self.engine.silence(code, online=True)

    def schedule(self, code: str, schedule: Schedule | None) -> None:
        self.engine.put_schedule(code, schedule)
        if schedule is not None:
            self.engine.schedule_online(code)

    def release(self, code: str, *, online: bool) -> None:
        self.engine.turn(code, online=online)

    def fire(self, code: str, *, online: bool) -> None:
        self.engine.silence(code, online=online)

    def remove(self, code: str) -> None:
        self.engine.remove(code)

    def back(self, code: str) -> None:
        self.engine.switch(code, 1)

    def unmark(self, code: str) -> None:
        self.engine.unmark(code)

    def draw(self, definition: Definition, marker: Marker | None = None) -> None:
        self.engine.draw(definition, marker)

    def rename(self, code: str, name: str) -> None:
        self.engine.rename(code, name)


@dataclass(frozen=True)
class EmbeddedHands:
    """In its tables: it has no pages. A name is all it knows of a workflow, so none can be renamed."""

    database: Database

    def content(self, code: str, change: Change) -> None:
        definition = change(parse(self._row(code)["document"]))
        self._set(code, document=document(definition).decode())

    def schedule(self, code: str, schedule: Schedule | None) -> None:
        if schedule is None:
            self._set(code, schedule=None, schedule_online=0, next_fire_at=None)
        else:
            self._set(code, schedule=schedule_body(schedule).decode())

    def release(self, code: str, *, online: bool) -> None:
        self._set(code, online=int(online), **({} if online else {"schedule_online": 0, "next_fire_at": None}))

    def fire(self, code: str, *, online: bool) -> None:
        self._set(code, schedule_online=int(online))

    def remove(self, code: str) -> None:
        with self.database.write() as conn:
            conn.execute(sa.delete(embedded_workflow).where(embedded_workflow.c.workflow_code == code))

    def back(self, code: str) -> None:
        row, versions = self._row(code), embedded_workflow_version.c
        first = sa.select(versions.document, versions.marker).where(
            versions.workflow_id == row["id"], versions.version == 1
        )
        with self.database.read() as conn:
            held = conn.execute(first).one()
        self._set(code, document=held.document, marker=held.marker, version=1, online=0)

    def unmark(self, code: str) -> None:
        self._set(code, marker="{}")

    def draw(self, definition: Definition, marker: Marker | None = None) -> None:
        bare = replace(definition, settings=replace(definition.settings, schedule=None))
        said = "{}" if marker is None else orjson.dumps(asdict(marker)).decode()
        values = {"workflow_code": definition.code, "engine_name": "embedded", "version": 1, "marker": said}
        with self.database.write() as conn:
            conn.execute(sa.insert(embedded_workflow).values(**values, document=document(bare).decode()))

    def rename(self, code: str, name: str) -> None:
        raise AssertionError(f"{code} cannot become {name}")

    def _row(self, code: str) -> Mapping[str, Any]:
        chosen = sa.select(embedded_workflow).where(embedded_workflow.c.workflow_code == code)
        with self.database.read() as conn:
            return conn.execute(chosen).mappings().one()

    def _set(self, code: str, **values: object) -> None:
        this = embedded_workflow.c.workflow_code == code
        with self.database.write() as conn:
            conn.execute(sa.update(embedded_workflow).where(this).values(**values))


# --- changes of content --------------------------------------------------------------------------


def a_task(name: str, **fields: object) -> Change:
    """`name` without its workflow."""

    def change(definition: Definition) -> Definition:
        code = f"{definition.code}.{name}"
        tasks = [replace(one, **fields) if one.code == code else one for one in definition.tasks]  # type: ignore[arg-type]
        return replace(definition, tasks=tuple(tasks))

    return change


def a_setting(**fields: object) -> Change:
    return lambda one: replace(one, settings=replace(one.settings, **fields))  # type: ignore[arg-type]


def one_more(one: Definition) -> Definition:
    extra = Task(f"{one.code}.theirs", "theirs", node_type="SHELL", text="echo theirs")
    return make(one.settings, [*one.tasks, extra], one.edges)


def without_check(one: Definition) -> Definition:
    return make(one.settings, [task for task in one.tasks if not task.code.endswith(".check")], one.edges)


def another_edge(one: Definition) -> Definition:
    return make(one.settings, one.tasks, [*one.edges, (f"{one.code}.load", f"{one.code}.check")])


def no_edge(one: Definition) -> Definition:
    return make(one.settings, one.tasks, ())


# --- the ways ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """`called`: kind → fields, `{}` in a field's name = the workflow's code. `deployed` False: by nobody of us.
    `named`: the engine keeps names and codes apart."""

    act: Callable[[Hands, str], None]
    called: Mapping[Kind, set[str]] = field(default_factory=dict)
    deployed: bool = True
    named: bool = False


def _content(change: Change) -> Callable[[Hands, str], None]:
    return lambda hands, code: hands.content(code, change)


def _and_back(hands: Hands, code: str) -> None:
    hands.content(code, a_task("extract", text="echo theirs"))
    hands.content(code, a_task("extract", text=NEW))


def _text_and_cron(hands: Hands, code: str) -> None:
    hands.content(code, a_task("extract", text="echo theirs"))
    hands.schedule(code, replace(NIGHTLY, cron="15 4 * * *"))


def _again_by_hand(hands: Hands, code: str) -> None:
    hands.remove(code)
    hands.draw(a_workflow(code, "echo theirs"))


WAYS: Mapping[str, Way] = {
    "text": Way(_content(a_task("extract", text="echo theirs")), {Kind.CONTENT_CHANGED: {"text of task {}.extract"}}),
    "retries": Way(_content(a_task("load", retries=3)), {Kind.CONTENT_CHANGED: {"retries of task {}.load"}}),
    "parameter": Way(
        _content(a_task("load", parameters=(Parameter("day", "2026-01-01"),))),
        {Kind.CONTENT_CHANGED: {"parameters of task {}.load"}},
    ),
    "global_parameter": Way(
        _content(a_setting(parameters=(Parameter("region", "eu"),))), {Kind.CONTENT_CHANGED: {"parameters"}}
    ),
    "description": Way(_content(a_setting(description="told by them")), {Kind.CONTENT_CHANGED: {"description"}}),
    "task_added": Way(_content(one_more), {Kind.TASK_ADDED: {"task {}.theirs"}}),
    "task_removed": Way(_content(without_check), {Kind.TASK_REMOVED: {"task {}.check"}}),
    "edge_added": Way(_content(another_edge), {Kind.EDGE_CHANGED: {"edge {}.load → {}.check"}}),
    "edge_removed": Way(_content(no_edge), {Kind.EDGE_CHANGED: {"edge {}.extract → {}.load"}}),
    "cron": Way(
        lambda hands, code: hands.schedule(code, replace(NIGHTLY, cron="15 4 * * *")),
        {Kind.SCHEDULE_CHANGED: {"cron"}},
    ),
    "schedule": Way(lambda hands, code: hands.schedule(code, MORNING), {Kind.SCHEDULE_CHANGED: {"cron", "time_zone"}}),
    "schedule_gone": Way(lambda hands, code: hands.schedule(code, None), {Kind.SCHEDULE_CHANGED: {"schedule"}}),
    "offline": Way(lambda hands, code: hands.release(code, online=False), {Kind.RELEASE_CHANGED: {"online"}}),
    "silent": Way(
        lambda hands, code: hands.fire(code, online=False), {Kind.SCHEDULE_STATE_CHANGED: {"schedule online"}}
    ),
    "renamed": Way(
        lambda hands, code: hands.rename(code, f"{code}_old"), {Kind.RENAMED: {"name on the engine"}}, named=True
    ),
    "deleted": Way(lambda hands, code: hands.remove(code), {Kind.DELETED: {"workflow"}}),
    "switched": Way(
        lambda hands, code: hands.back(code),
        {Kind.VERSION_SWITCHED: {"text of task {}.extract"}, Kind.RELEASE_CHANGED: {"online"}},
    ),
    "text_and_cron": Way(
        _text_and_cron, {Kind.CONTENT_CHANGED: {"text of task {}.extract"}, Kind.SCHEDULE_CHANGED: {"cron"}}
    ),
    "recreated": Way(
        _again_by_hand,
        {
            Kind.CONTENT_CHANGED: {"text of task {}.extract"},
            Kind.RELEASE_CHANGED: {"online"},
            Kind.RECREATED: {"code on the engine"},
        },
        named=True,
    ),
    "not_ours": Way(
        lambda hands, code: hands.draw(a_workflow(code, "echo theirs")),
        {Kind.FOREIGN_DEFINITION: {"text of task {}.extract", "schedule"}},
        deployed=False,
    ),
    "of_others": Way(
        lambda hands, code: hands.draw(a_workflow(code, "echo theirs"), Marker(code, 7, "w1:theirs")),
        {Kind.FOREIGN_WRITER: {"text of task {}.extract", "schedule"}},
        deployed=False,
    ),
    "and_back": Way(_and_back),
    "unmarked": Way(lambda hands, code: hands.unmark(code)),
    "untouched": Way(lambda hands, code: None),
}
