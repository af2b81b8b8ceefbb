"""A run's page and the command line show one timeline: the same rows in the same order, failures and waits too."""

from contextlib import closing

import dagster as dg
import pytest

from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import execute, failure, metadata, publish_it
from wfgov_dagster.domain.flow import Biz, FlowDefinition, FlowNode, NodeKind
from wfgov_dagster.errors import Conflict
from wfgov_dagster.ops.timeline import SPOKEN
from wfgov_dagster.usecases.flows import Registry, advance_flow, create_flow, detail, resume_flow, start_flow
from wfgov_dagster.usecases.show_records import show_record
from wfgov_dagster.wiring import Platform


def rows(told: dict[str, object], name: str) -> list[dict[str, str]]:
    """Of a Markdown table."""
    text = str(told[name])
    if text == "*none*":
        return []
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.replace("\\", "").splitlines()]
    head, _, *lines = cells
    return [dict(zip(head, line, strict=False)) for line in lines]


def shown(record_id: int) -> list[tuple[str, str, str]]:
    """(at, what, outcome) of `wfgov record show`."""
    with closing(Platform()) as platform:
        timeline = show_record(platform.store, record_id).timeline
    return [
        (f"{one.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], one.what, SPOKEN[one.outcome] if one.no else f"→ {one.what}")
        for one in timeline
    ]


def on_page(told: dict[str, object]) -> list[tuple[str, str, str]]:
    return [(one["at"], one["what"], one["outcome"]) for one in rows(told, "timeline")]


def test_a_publish_that_waits_and_goes_on_in_another_run_has_one_timeline(derived: dg.DagsterInstance) -> None:
    publish_it(derived, RETAIL)
    estate.execute(
        "INSERT INTO engine_breaker (engine_id, failures, open_until) VALUES (1, 5, '2999-01-01 00:00:00.000000')"
    )
    first = metadata(publish_it(derived, RETAIL, operation="online"))
    record_id = int(str(first["publish_record"]))
    assert on_page(first) == shown(record_id)
    estate.execute("DELETE FROM engine_breaker")
    estate.execute("UPDATE flow SET next_due_at = created_at WHERE state = 'Processing'")

    later = metadata(execute(derived, "advance_flows"))

    assert on_page(later) == shown(record_id)
    assert on_page(later)[: len(on_page(first))] == on_page(first), "what the first run saw comes first"
    assert on_page(later)[-1][1:] == ("bring_online", "done")
    assert {one["record"] for one in rows(later, "timeline")} == {str(record_id)}
    assert [one["try"] for one in rows(later, "attempts")] == ["1"], "its looks are one attempt"
    assert rows(later, "alerts") == []


def test_a_publish_that_failed_shows_its_alert(derived: dg.DagsterInstance) -> None:
    publish_it(derived, RETAIL)
    estate.execute("DELETE FROM embedded_workflow")

    message, told = failure(publish_it(derived, RETAIL, operation="offline"))

    assert on_page(told) == shown(int(str(told["publish_record"])))
    ((number, kind, said),) = estate.execute("SELECT id, kind, message FROM alert")
    (alert,) = rows(told, "alerts")
    assert (alert["alert"], alert["kind"], alert["look"]) == (str(number), kind, f"wfgov alert show {number}")
    assert alert["message"] == " ".join(str(said).split())
    assert str(told["error_code"]) in message


def test_a_change_set_shows_the_timelines_of_its_members(derived: dg.DagsterInstance) -> None:
    told = metadata(execute(derived, "publish_change_set"))

    ids = [int(one["publish record"]) for one in rows(told, "members")]
    assert len(ids) == 2
    assert on_page(told) == [moment for number in ids for moment in shown(number)]
    assert rows(told, "alerts") == []


def test_attempts_of_before_are_shown_by_the_run_that_goes_on(
    platform_url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [True]

    def do(_: object) -> int:
        if broken[0]:
            raise Conflict("somebody moved first")
        return 1

    nodes = (FlowNode("first", NodeKind.CALL, lambda _: 1), FlowNode("second", NodeKind.CALL, do))
    monkeypatch.setattr(Platform, "definitions", Registry([FlowDefinition("f", 1, nodes)]))
    with closing(Platform()) as platform:  # as the command line does it
        manager = platform.flows()
        flow_id = create_flow(manager, "ann", Biz("7", "thing"), "f")
        start_flow(manager, "ann", flow_id)
        for _ in range(3):
            advance_flow(manager, flow_id)
        broken[0] = False
        resume_flow(manager, "ann", flow_id)

        told = metadata(execute(instance, "advance_flows"))

        wanted = [(one.node_name, str(one.no), one.outcome) for one in detail(manager, flow_id).attempts]
    assert wanted == [("first", "1", "ok"), ("second", "1", "failed"), ("second", "2", "ok")]
    assert [(one["flow node"], one["try"], one["outcome"]) for one in rows(told, "attempts")] == wanted
    assert "somebody moved first" in rows(told, "attempts")[1]["message"]
    (alert,) = rows(told, "alerts")
    assert (alert["kind"], alert["step"]) == ("flow_failed", "second")
