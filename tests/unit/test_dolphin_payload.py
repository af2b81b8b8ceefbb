"""What a definition is in a server's words, byte for byte, and that reading it gives back what is shown of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.dolphin_names import NoNames
from wfgov_dagster.domain.definition import Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.engines.dolphin import cron, marks
from wfgov_dagster.engines.dolphin.dialect import DIALECTS
from wfgov_dagster.engines.dolphin.nodes import DataSource
from wfgov_dagster.engines.dolphin.payload import Ground, Target, definition_form
from wfgov_dagster.engines.dolphin.reading import Source, read_definition
from wfgov_dagster.engines.dolphin.shown import Defaults, shown
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.engine import Marker

DEFAULTS = Defaults("etl", "fast")
EVERYTHING = make(
    Settings(
        "daily", "Every day", "Counts\nthe orders", timeout=3_661, failure_strategy="end", priority=5,
        parameters=(Parameter("to", "x", "OUT"), Parameter("day", "2026-01-01")), resources=("lib.jar",),
        schedule=Schedule("30 2 * * *", "UTC"), worker_group="slow", tenant="mart", environment="prod",
    ),
    [
        Task("a", "Extract", "reads", node_type="SHELL", text="echo '${day}'\n", timeout=90, retries=2,
             retry_interval=30, parameters=(Parameter("n", "1", type="INTEGER"),), resources=("b.sh", "a.sh"),
             flags=("x",), datasource="no"),
        Task("b", "装载", node_type="SQL", text="insert into t select 1", datasource="mart", priority=1),
        Task("c", "Stream", type="stream", node_type="PYTHON", priority=5,
             extra=pack({"$node": {"delayTime": 3, "flag": "NO", "workerGroup": "gpu"}})),
    ],
    [("a", "b"), ("b", "c")],
)  # fmt: skip
CODES = {"a": 11, "b": 12, "c": 13}
MARKER = Marker("daily", 7, f"w1:{'ab' * 32}")


class Server(NoNames):
    def data_source(self, name: str) -> DataSource:
        return DataSource(3, "MYSQL") if name == "mart" else super().data_source(name)

    def data_source_name(self, number: int) -> str:
        return "mart" if number == 3 else str(number)

    def environment_code(self, name: str) -> int:
        return 99 if name == "prod" else super().environment_code(name)

    def environment_name(self, code: int) -> str:
        return "prod" if code == 99 else str(code)


def form_of(definition: Definition, family: str, ground: Ground | None = None) -> dict[str, Any]:
    target = Target(DIALECTS[family], DEFAULTS, Server())
    return definition_form(shown(definition, DEFAULTS), MARKER, ground or Ground(CODES), target)


def read_back(form: dict[str, Any], family: str) -> Definition:
    """As the server gives it back."""
    dialect = DIALECTS[family]
    data = {
        dialect.definition_key: form,
        dialect.relations_key: json.loads(form["taskRelationJson"]),
        "taskDefinitionList": json.loads(form["taskDefinitionJson"]),
    }
    names = {code: task for task, code in CODES.items()}
    read = read_definition(data, Source(dialect, DEFAULTS, Server(), "daily", names))
    assert read.marker == MARKER
    assert read.codes == {task: code for task, code in CODES.items() if code in names}
    return read.definition


@pytest.mark.parametrize("family", list(DIALECTS))
def test_a_form_is_as_it_was(family: str, golden: Callable[[str, str], None]) -> None:
    form = {name: _opened(value) for name, value in form_of(EVERYTHING, family).items()}
    golden(f"dolphin-{family}.json", json.dumps(form, ensure_ascii=False, indent=1) + "\n")


def _opened(value: object) -> object:
    """Texts that hold JSON, as JSON."""
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" and "wfgov" not in value else value


@pytest.mark.parametrize("family", list(DIALECTS))
def test_what_is_sent_is_read_back_as_it_is_shown(family: str) -> None:
    assert read_back(form_of(EVERYTHING, family), family) == shown(EVERYTHING, DEFAULTS)


def test_what_is_shown_is_shown_again_as_it_is() -> None:
    once = shown(EVERYTHING, DEFAULTS)
    assert shown(once, DEFAULTS) == once
    assert (once.settings.timeout, once.tasks[0].timeout, once.tasks[0].retry_interval) == (3_720, 120, 60)
    assert (once.settings.name, once.settings.resources, once.tasks[0].flags, once.tasks[0].datasource) == (
        "daily", (), (), None,
    )  # fmt: skip


@pytest.mark.parametrize(("tenant", "group"), [("etl", "fast"), ("default", "default")])
def test_the_engines_own_tenant_and_worker_group_are_the_default(tenant: str, group: str) -> None:
    settings = replace(EVERYTHING.settings, tenant=tenant, worker_group=group)
    found = shown(replace(EVERYTHING, settings=settings), DEFAULTS).settings
    assert (found.tenant, found.worker_group) == ("default", "default")


def test_rows_that_the_server_holds_go_back_as_they_are_and_boxes_stay_where_they_were() -> None:
    held = {"code": 11, "version": 4, "name": "Extract", "taskParams": {"rawScript": "x"}, "id": 5, "operator": 1}
    places = [{"taskCode": 12, "x": 7, "y": 8}]
    form = form_of(EVERYTHING, "3.1", Ground(CODES, {"a": held}, {"b": 3}, places, "SERIAL_WAIT"))
    rows = {row["code"]: row for row in json.loads(form["taskDefinitionJson"])}
    assert rows[11] == {"code": 11, "version": 4, "name": "Extract", "taskParams": {"rawScript": "x"}}
    assert (rows[12]["version"], rows[13]["version"]) == (3, 0)
    drawn = {one["taskCode"]: (one["x"], one["y"]) for one in json.loads(form["locations"])}
    assert drawn[12] == (7, 8)
    assert len(set(drawn.values())) == 3
    assert form["executionType"] == "SERIAL_WAIT"


# --- the line in the description -----------------------------------------------------------------


@given(st.text(max_size=400), st.dictionaries(st.sampled_from(["failure", "tenant"]), st.text(max_size=20), max_size=2))
def test_a_description_and_its_line_are_told_apart(text: str, words: dict[str, str]) -> None:
    kept = marks.cut(text, words)
    line = marks.write(kept, MARKER, words)
    assert marks.read(line, "daily") == (kept, MARKER, words)
    if marks.room(words):
        assert len(line) <= marks.LONGEST
    assert marks.cut(kept, words) == kept


@pytest.mark.parametrize("text", ["", "by hand", "[wfgov V7 w1:0] no last line", "[wfgov V w1:0]", "[wfgov]"])
def test_a_description_without_our_line_has_no_marker(text: str) -> None:
    assert marks.read(text, "daily") == (text, None, {})


# --- schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("30 2 * * *", "0 30 2 * * ? *"),
        ("*/5 * * * *", "0 */5 * * * ? *"),
        ("0 0 1,15 1-6/2 *", "0 0 0 1,15 1-6/2 ? *"),
        ("0 6 * * 1-5", "0 0 6 ? * 2-6 *"),
        ("0 6 * * 0", "0 0 6 ? * 1 *"),
        ("0 6 * * 5-7", "0 0 6 ? * 6-1 *"),
        ("0 6 * * */2", "0 0 6 ? * 1/2 *"),
        ("0 6 * * 1,3,6", "0 0 6 ? * 2,4,7 *"),
        ("0 6 * * 5L", "0 0 6 ? * 6L *"),
        ("0 6 * * 1#2", "0 0 6 ? * 2#2 *"),
        ("0 0 L * *", "0 0 0 L * ? *"),
    ],
)
def test_a_cron_is_quartz_and_comes_back(ours: str, theirs: str) -> None:
    assert cron.to_quartz(ours) == theirs
    assert cron.from_quartz(theirs) == ours


@pytest.mark.parametrize(("ours", "shown_as"), [("0 6 * * 7", "0 6 * * 0"), ("0 6 * * MON-FRI", "0 6 * * 1-5")])
def test_days_have_one_name(ours: str, shown_as: str) -> None:
    schedule = Schedule(ours, "UTC")
    assert cron.shown(schedule) == replace(schedule, cron=shown_as)


@pytest.mark.parametrize("text", ["0/5 * * * * ? *", "0 0 3 * * ? 2026", "30 0 3 * * ? *", "nonsense", ""])
def test_what_five_fields_cannot_say_stays_as_it_is(text: str) -> None:
    assert cron.from_quartz(text) == text


def test_days_of_both_kinds_are_refused() -> None:
    with pytest.raises(InvalidInput, match="of the month and of the week"):
        cron.to_quartz("0 0 1 * 1")


@pytest.mark.parametrize(
    ("schedule", "start", "end"),
    [
        (Schedule("0 3 * * *", "UTC"), cron.FIRST, cron.LAST),
        (Schedule("0 3 * * *", "Asia/Shanghai", "2026-01-01T00:00:00Z"), "2026-01-01 08:00:00", cron.LAST),
        (Schedule("0 3 * * *", "Europe/Berlin", None, "2026-07-01T00:00:00Z"), cron.FIRST, "2026-07-01 02:00:00"),
    ],
)
def test_bounds_are_what_the_clocks_of_its_zone_show(schedule: Schedule, start: str, end: str) -> None:
    row = cron.to_row(schedule)
    assert (row["startTime"], row["endTime"]) == (start, end)
    assert cron.from_row(row) == schedule == cron.shown(schedule)


def test_an_instant_is_written_in_one_way() -> None:
    odd = Schedule("0 3 * * *", "UTC", "2026-01-01T01:00:00.5+01:00")
    assert cron.shown(odd).start == "2026-01-01T00:00:00Z"
