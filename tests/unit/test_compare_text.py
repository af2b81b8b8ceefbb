"""A comparison as people read it."""

from dataclasses import replace

from wfgov_dagster.domain.change_class import Effects
from wfgov_dagster.domain.compare import Comparison, Moved, Moves, Renamed, compare
from wfgov_dagster.domain.compare_text import lines, verdict
from wfgov_dagster.domain.definition import Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import FieldChange, diff

NIGHTLY = Schedule("0 1 * * *", "UTC")


def compared() -> Comparison:
    settings = Settings("w", "W", parameters=(Parameter("p", "1"),), resources=("a.jar",), schedule=NIGHTLY)
    task = Task("t", "T", text="SELECT x\nFROM a", parameters=(Parameter("q", "1"),))
    before = make(settings, [task, Task("g", "G")], [("g", "t")])
    other = replace(
        settings, schedule=replace(NIGHTLY, cron="0 2 * * *"), parameters=(Parameter("p", "2"),), resources=()
    )
    after = make(other, [Task("t", "T2", text="SELECT y\nFROM a"), Task("n", "N")], [])
    return compare(diff(before, after), Effects(), Moves((Moved("n", "v"),), (Moved("g", "u"),)))


def test_everything_that_differs_has_its_line() -> None:
    found = compared()
    assert list(lines(found, "V1", "V2")) == [
        "+task n (moved from v)", "-task g (moved to u)", "-edge g → t", "~parameter p: 1 → 2", "-resource a.jar",
        "~schedule cron: 0 1 * * * → 0 2 * * *", "~task t", "  ~name: T → T2", "  --- text V1", "  +++ text V2",
        "  @@ -1,2 +1,2 @@", "  -SELECT x", "  +SELECT y", "   FROM a", "  -parameter q",
    ]  # fmt: skip
    assert found.renamed == (Renamed("t", "T", "T2"),)
    assert found.schedule == (FieldChange("cron", "0 1 * * *", "0 2 * * *"),)
    assert next(verdict(found)) == "class: non-breaking"


def test_where_values_are_nobodys_business_they_are_left_out() -> None:
    told = list(lines(compared(), "V1", "V2", whole=False))
    assert {"~parameter p", "  ~text: 2 → 2 lines", "  -parameter q"} <= set(told)
    assert not any("SELECT" in line or "1 → 2" in line for line in told)
