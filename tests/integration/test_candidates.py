"""`wfgov pin`, `wfgov unpin`, `wfgov candidate …`: what orchestration makes of a pinned workflow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_support import LINEAGE, LOOP, SALES, TASKS
from tests.integration.pinned_support import EDGE_BACK, EDGE_GONE, WITHOUT_EDGE, Yard, more

PIN = ("pin", SALES, "--reason", "month end")


@pytest.fixture
def yard(new_database: Callable[[], str], tmp_path: Path) -> Yard:
    yard = Yard(new_database(), tmp_path)
    yard.derive()
    return yard


def test_a_pinned_workflow_gets_one_candidate_and_no_version_until_it_is_unpinned(yard: Yard) -> None:
    yard.cli.ok(*PIN)
    assert "month end (by tester, until it is unpinned)" in yard.cli.ok("workflow", "show", SALES)
    report = yard.derive(TASKS, WITHOUT_EDGE)
    assert (report["versions"], len(yard.versions())) == ([], 1)
    assert [(one["workflow_code"], one["change_summary"]) for one in report["candidates"]] == [(SALES, EDGE_GONE)]
    assert yard.derive(TASKS, WITHOUT_EDGE, "--full")["candidates"] == []
    (one,) = yard.cli.json("candidate", "list", SALES)
    assert (one["base_version_no"], one["trigger_source"], one["state"]) == (1, "lineage_update", "open")
    yard.derive(more(), WITHOUT_EDGE)
    ((_, summary),) = yard.waiting()
    assert summary.startswith(f"{EDGE_GONE}; +task fresh")
    assert EDGE_GONE in yard.cli.ok("candidate", "show", SALES)
    shown = yard.cli.json("candidate", "show", SALES)
    assert (shown["current_version_no"], len(shown["diff"]["edges_removed"])) == (1, 1)
    assert yard.derive()["candidates"] == []
    assert yard.waiting("all") == [], "what it said is the current version again"
    yard.derive(TASKS, WITHOUT_EDGE)
    done = yard.cli.json("unpin", SALES)
    assert (done["before"]["reason"], done["version"]["version_no"]) == ("month end", 2)
    assert (yard.versions()[1], yard.waiting("all")) == (EDGE_GONE, [])
    assert yard.cli.json("version", "show", SALES, "2")["trigger_source"] == "manual"
    assert yard.cli.ok("unpin", SALES) == f"{SALES}: is not pinned\n"
    assert yard.derive()["versions"][0]["change_summary"] == EDGE_BACK
    assert yard.audit("pin", "unpin") == [("pin", SALES, "done"), ("unpin", SALES, "done")]


def test_a_candidate_is_applied_though_pinned_or_dropped_and_then_not_proposed_again(yard: Yard) -> None:
    yard.cli.ok(*PIN)
    yard.derive(TASKS, WITHOUT_EDGE)
    made = yard.cli.json("candidate", "apply", SALES)
    assert (made["version_no"], made["change_summary"]) == (2, EDGE_GONE)
    assert yard.waiting("all") == []
    yard.derive()
    assert yard.waiting() == [(SALES, EDGE_BACK)], "it is pinned still"
    assert EDGE_BACK in yard.cli.ok("candidate", "drop", SALES, "--reason", "wait")
    assert yard.derive(TASKS, LINEAGE, "--full")["candidates"] == []
    assert yard.waiting("dropped") == [(SALES, EDGE_BACK)]
    yard.derive(more())
    assert len(yard.waiting()) == 1
    yard.derive()
    assert (yard.waiting(), len(yard.versions())) == ([], 2), "the other content is gone, this one was dropped"
    yard.cli.ok(*PIN)
    assert yard.derive(TASKS, LINEAGE, "--full")["candidates"] == [], "a new reason is the same pin"
    assert yard.cli.json("unpin", SALES)["version"]["change_summary"] == EDGE_BACK
    assert yard.audit("apply_candidate", "drop_candidate") == [
        ("apply_candidate", SALES, "done"),
        ("drop_candidate", SALES, "done"),
    ]


@pytest.mark.parametrize("options", [(), ("--full",)])
def test_when_a_pin_has_run_out_the_next_orchestration_makes_the_version(yard: Yard, options: tuple[str, ...]) -> None:
    yard.cli.ok(*PIN, "--until", "2999-01-01T06:00+08:00")
    assert yard.cli.json("workflow", "show", SALES)["pinned_until"] == "2998-12-31T22:00:00Z"
    yard.derive(TASKS, WITHOUT_EDGE)
    yard.cli.ok("candidate", "drop", SALES, "--reason", "not while it is pinned")
    yard.end_pins()
    report = yard.cli.json("orchestrate", *options)
    assert [(one["workflow_code"], one["change_summary"]) for one in report["versions"]] == [(SALES, EDGE_GONE)]
    assert yard.cli.json("workflow", "show", SALES)["pinned_reason"] is None
    assert yard.waiting("all") == []
    assert yard.audit("unpin") == [("unpin", SALES, "done")]


def test_what_cannot_be_is_said_and_is_on_record(yard: Yard) -> None:
    assert yard.refused("pin", SALES, "--reason", " ").startswith("invalid: why? 1 to 2000 characters")
    assert yard.refused(*PIN, "--until", "2020-01-01").startswith("invalid: that time is over")
    assert yard.cli.json("workflow", "show", SALES)["pinned_reason"] is None
    for words in (("pin", "nobody", "--reason", "x"), ("unpin", "nobody"), ("candidate", "apply", "nobody"),
                  ("candidate", "list", "nobody"), ("candidate", "show", "nobody")):  # fmt: skip
        assert yard.refused(*words).startswith("not_found: no workflow 'nobody'")
    for words in (("candidate", "apply", SALES), ("candidate", "drop", SALES, "--reason", "x"),
                  ("candidate", "show", SALES)):  # fmt: skip
        assert yard.refused(*words).startswith("not_found: no candidate waits")
    assert yard.cli.run(*PIN, "--until", "soon").exit_code == 2
    outcomes = yard.audit("pin", "unpin", "apply_candidate", "drop_candidate")
    assert [outcome for _, _, outcome in outcomes] == ["refused"] * 7
    yard.cli.ok("pin", LOOP, "--reason", "it is broken")
    assert "no version: tasks depend on each other in a circle" in yard.cli.ok("unpin", LOOP)
