"""`wfgov version export|import`, `wfgov snapshot …`: a version leaves one installation and is the same in another."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cli_support import FINANCE, SALES, TASKS
from tests.integration.pinned_support import WITHOUT_EDGE, Yard, more
from tests.support.size import size
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.export import read, value
from wfgov_dagster.store.schema.types import metadata

WHY = ("--reason", "it was better")
PLAIN = ("workflow_operation_log",)  # also refusals are in it


@pytest.fixture
def home(new_database: Callable[[], str], tmp_path: Path) -> Yard:
    yard = Yard(new_database(), tmp_path / "here")
    yard.derive()
    return yard


@pytest.fixture
def away(new_database: Callable[[], str], tmp_path: Path) -> Yard:
    """Nothing is in it."""
    return Yard(new_database(), tmp_path / "there")


@pytest.fixture(scope="module")
def house(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Yard:
    """One that several tests share: V1 of it stays what it is."""
    yard = Yard(new_database(), tmp_path_factory.mktemp("house"))
    yard.derive()
    return yard


# What the use cases and pure code alone decide: on both databases only in the large size.
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
ONE = pytest.mark.parametrize("new_database", size(BOTH[:1], BOTH), indirect=True)


def everything(yard: Yard) -> Mapping[str, object]:
    names = [table.name for table in metadata.sorted_tables if table.name not in PLAIN]
    return {name: yard.sql(f"SELECT count(*) FROM {name}")[0][0] for name in names}


def out(yard: Yard, path: Path, code: str = SALES, number: str = "1") -> Path:
    yard.cli.ok("version", "export", code, number, "--file", path)
    return path


def edited(path: Path, **changes: Any) -> Path:
    """The file with another document, under the hash that it has: its first task is another one."""
    found = json.loads(path.read_bytes())
    found["document"]["tasks"][0] |= changes
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def test_an_export_comes_into_an_empty_installation_as_the_same_content(home: Yard, away: Yard, tmp_path: Path) -> None:
    before = home.cli.json("version", "list", SALES)[0]
    path = out(home, tmp_path / "sales.yaml")
    planned = away.cli.json("version", "import", path, "--dry-run")
    assert (planned["state"], planned["pins"], everything(away)["workflow_version"]) == ("new workflow", False, 0)
    done = away.cli.json("version", "import", path)
    assert (done["version"]["version_no"], done["version"]["content_hash"]) == (1, before["content_hash"])
    (made,) = away.cli.json("version", "list", SALES)
    assert (made["content_hash"], made["functional_hash"]) == (before["content_hash"], before["functional_hash"])
    assert made["imported_from"].startswith(f"V1 of {SALES} by tester, 20")
    documents = [one.cli.json("version", "show", SALES, "1")["document"] for one in (home, away)]
    assert documents[0] == documents[1]
    report = away.cli.json("orchestrate", "--full")
    assert (report["versions"], report["candidates"], report["definitions"]["moved"]) == ([], [], 0)
    assert away.cli.json("workflow", "show", SALES)["definition_error"] is None
    assert away.audit("import_version") == [("import_version", SALES, "done")]
    assert away.cli.json("version", "import", path)["state"] == "same content"
    assert away.audit("import_version") == [("import_version", SALES, "done")], "nothing happened"
    assert away.cli.json("publish", SALES, "--operation", "deploy")["status"] == "success"
    again = out(away, tmp_path / "again.json")
    assert json.loads(again.read_bytes())["document"] == yaml.safe_load(path.read_text("utf-8"))["document"]


@ONE
def test_what_is_printed_is_what_is_written(house: Yard, tmp_path: Path) -> None:
    printed = house.cli.ok("version", "export", SALES, "1", "-o", "yaml")
    assert printed == out(house, tmp_path / "sales.yml").read_text("utf-8")
    report = house.cli.ok("version", "export", SALES, "1")
    assert report == out(house, tmp_path / "sales.md").read_text("utf-8")
    for told in (f"# {SALES} V1\n", house.hashes()[0], "| made by | tester |", "## Tasks (2)",
                 "| load_orders | clean_orders |", "`0 0 * * *` in UTC", "```sh\necho load_orders\n```"):  # fmt: skip
        assert told in report, report
    told = house.refused("version", "export", SALES, "1", "--file", str(tmp_path / "x.pdf"))
    assert told.startswith("invalid: 'x.pdf' has none of the endings")
    told = house.refused("version", "export", SALES, "1", "--file", str(tmp_path / "none" / "x.json"))
    assert told.startswith("invalid: it cannot be written: No such file")
    assert house.refused("version", "export", SALES, "99").startswith("not_found: no version V99")


@ONE
def test_it_becomes_the_next_version_where_it_was_made_upon_what_is_current(
    home: Yard, away: Yard, tmp_path: Path
) -> None:
    first = out(home, tmp_path / "1.json")
    away.cli.ok("version", "import", first)
    home.derive(TASKS, WITHOUT_EDGE)
    second = out(home, tmp_path / "2.json", number="2")
    before = everything(away)
    planned = away.cli.json("version", "import", second, "--dry-run")
    assert (planned["state"], planned["current_version_no"], planned["pins"]) == ("new version", 1, True)
    assert planned["diff"]["edges_removed"] == [["load_orders", "clean_orders"]]
    assert everything(away) == before
    done = away.cli.json("version", "import", second)
    assert (done["version"]["version_no"], done["version"]["change_summary"][:10]) == (2, "imported: ")
    assert away.hashes() == home.hashes()
    assert done["pin"]["reason"].startswith("imported: V2 of"), "the metadata here have the edge still"
    assert away.cli.json("orchestrate", "--full")["versions"] == []
    assert len(away.waiting()) == 1
    told = away.refused("version", "import", str(first))
    assert told.startswith("conflict: it was made upon other content than V2 has here (nothing)")
    assert away.refused("version", "import", str(first), "--onto", "1").startswith("conflict: V2 is current, not V1")
    assert away.cli.json("version", "import", first, "--onto", "2")["version"]["version_no"] == 3
    assert away.hashes()[2] == away.hashes()[0]
    plan = away.cli.json("rollback", SALES, "--to", "2", "--dry-run")
    assert plan["refusals"] == [], "a baseline, though no engine ever held it"
    outcomes = [outcome for _, _, outcome in away.audit("import_version")]
    assert outcomes == ["done", "done", "refused", "refused", "done"]


@ONE
def test_where_the_metadata_say_the_same_it_is_not_pinned(home: Yard, tmp_path: Path) -> None:
    home.cli.ok("pin", SALES, "--reason", "month end", "--until", "2999-01-01")
    home.derive(TASKS, WITHOUT_EDGE)
    path = out(home, tmp_path / "1.json")
    found = json.loads(path.read_bytes())
    found["document"]["edges"] = []
    definition = snapshot.parse(snapshot.canonical(found["document"]))
    hashes = snapshot.hashes(definition)
    facts = {"content_hash": hashes.content, "functional_hash": hashes.functional, "based_on": found["content_hash"]}
    path.write_text(json.dumps(value(read(found | facts))), encoding="utf-8")
    done = home.cli.json("version", "import", path)
    assert (done["state"], done["pin"], done["version"]["version_no"]) == ("new version", None, 2)
    assert home.cli.json("orchestrate", "--full")["candidates"] == []
    assert home.waiting() == []


@ONE
def test_what_does_not_fit_leaves_nothing(home: Yard, away: Yard, tmp_path: Path) -> None:
    path = out(home, tmp_path / "1.json")
    home.derive(more())
    third = out(home, tmp_path / "3.json", number="2")
    before = everything(away), everything(home)
    assert home.refused("version", "import", str(edited(path, text="other"))).startswith(
        "invalid: its content is not what its hash says (w1:"
    )
    path.write_text("a: [", encoding="utf-8")
    assert "no YAML" in away.refused("version", "import", str(path))
    assert away.cli.run("version", "import", str(tmp_path / "missing.json")).exit_code == 2
    assert away.refused("version", "import", str(third), "--onto", "1").startswith("conflict: there is no V1 to put it")
    assert (everything(away), everything(home)) == before
    away.derive([[*row[:6], FINANCE, *row[7:]] for row in TASKS])
    before = everything(away), before[1]
    told = away.refused("version", "import", str(third))
    assert told.startswith(f"conflict: tasks of it are here already: clean_orders (in {FINANCE}), load_orders (in")
    away.derive()
    count = len(away.hashes())
    told = away.refused("version", "import", str(third), "--onto", str(count))
    assert told.startswith("conflict: tasks of it are not in the workflow: not here: fresh")
    assert len(away.hashes()) == count


@ONE
def test_waits_for_other_workflows_come_along_and_it_is_pinned(home: Yard, away: Yard, tmp_path: Path) -> None:
    home.cli.ok("edge", "confirm", "report", "clean_orders", "--reason", "it reads it")
    path = out(home, tmp_path / "f.yaml", FINANCE, "2")
    done = away.cli.json("version", "import", path)
    assert done["version"]["content_hash"] == home.hashes(FINANCE)[1]
    assert done["warnings"][0].startswith(f"report waits for {SALES}/clean_orders: that is no confirmed edge of this")
    assert done["pin"]["reason"].startswith("imported: V2 of finance")
    assert (away.cli.json("orchestrate", "--full")["versions"], len(away.waiting())) == ([], 1)


@ONE
def test_no_secret_leaves_unless_somebody_vouches_that_it_is_none(house: Yard, tmp_path: Path) -> None:
    house.sql("UPDATE data_task SET task_sql = 'set password = hunter2;' WHERE task_code = 'load_orders'")
    number = str(house.cli.json("orchestrate")["versions"][0]["version_no"])
    path = tmp_path / "x.json"
    told = house.refused("version", "export", SALES, number, "--file", str(path))
    assert told.startswith("invalid: it looks as if secrets would leave: task load_orders: text — ")
    assert ("hunter2" in told, path.exists()) == (False, False)
    assert house.audit("export_version") == []
    report = house.cli.ok("version", "export", SALES, number)
    assert ("hunter2" in report, "set password = ***" in report) == (False, True)
    assert "hunter2" in house.cli.ok("version", "export", SALES, number, "-o", "yaml", "--vouch")
    assert house.audit("export_version") == [("export_version", SALES, "done")]


@ONE
def test_snapshots_are_listed_with_what_came_of_them(house: Yard) -> None:
    for _ in range(2):
        record = house.cli.json("publish", SALES, "--operation", "deploy")
    (one,) = house.cli.json("snapshot", "list", SALES, "--status", "published")["snapshots"]
    assert (one["version_no"], one["attempts"], one["error"]) == (record["version_no"], 2, None)
    assert one["workflow_key"] == f"embedded/default/{SALES}"
    assert "page 1: 0 of 0" in house.cli.ok("snapshot", "list", "--status", "failed")
    shown = house.cli.json("snapshot", "show", str(one["snapshot_id"]))
    assert [each["status"] for each in shown["publishes"]] == ["success", "success"]
    assert snapshot.digest(snapshot.canonical(shown["document"])) == one["content_hash"]
    assert "Publishes" in house.cli.ok("snapshot", "show", str(one["snapshot_id"]))
    assert house.refused("snapshot", "show", "99").startswith("not_found: no snapshot 99")
    assert house.refused("snapshot", "list", "nobody").startswith("not_found: no workflow 'nobody'")
