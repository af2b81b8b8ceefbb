"""Whatever was saved, published, tagged and rolled back: no clean-up, interrupted or not, touches what is protected."""

from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.integration.retention_support import Archive, garbage, protected_ids, wrongs
from tests.support.size import size
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.domain.retention import RuleChange
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.retention_rules import tag_version

CODES = ("v", "w")
OPERATIONS = ("save", "save", "save", "save", "deploy", "online", "ask", "tag", "roll back", "baseline", "clean up")
RULES = st.builds(RuleChange, st.integers(1, 4), st.sampled_from([0, 0, 500]), st.booleans(), st.booleans())


@settings(
    max_examples=size(8, 300),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    done=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(CODES)), min_size=6, max_size=22),
    rule=RULES,
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_protected_is_never_touched(
    new_database: Callable[[], str], done: list[tuple[str, str]], rule: RuleChange, seed: int
) -> None:
    note(f"{done}, {rule}, seed {seed}")
    database = Database(new_database())
    try:
        archive = Archive(database, turn_seconds=0.0)
        archive.rule(rule)
        History(archive, Random(seed)).live(done)
        check(archive, rule, Random(seed))
    finally:
        database.dispose()


class History:
    def __init__(self, archive: Archive, chance: Random) -> None:
        self.archive, self.chance = archive, chance

    def live(self, done: list[tuple[str, str]]) -> None:
        for code in CODES:
            self.save(code)
        for operation, code in done:
            getattr(self, operation.replace(" ", "_"))(code)
        self.archive.age()

    def save(self, code: str) -> None:
        """Content comes back now and then."""
        self.archive.save(code, f"echo {self.chance.randrange(6)}", edges=self.chance.random() < 0.7)

    def deploy(self, code: str) -> None:
        self.archive.publish("deploy", code)

    def online(self, code: str) -> None:
        try:
            self.archive.publish("online", code)
        except (Conflict, NotFound):  # it was never deployed
            self.archive.publish("deploy", code)

    def ask(self, code: str) -> None:
        """A publish that nobody drives."""
        self.archive.office.ask("deploy", code)

    def tag(self, code: str) -> None:
        number = self.chance.choice(self.archive.there(code))
        tag_version(self.archive.store, "ann", code, number, f"t{self.chance.randrange(2)}")

    def roll_back(self, code: str) -> None:
        """To an earlier version; what changes nothing makes none, and no version is a rollback to itself."""
        there = self.archive.there(code)
        self.save(code)
        newest = max(self.archive.there(code))
        if newest > max(there):
            self.archive.execute(
                "UPDATE workflow_version SET rollback_of = :to WHERE version_no = :newest AND workflow_id = "
                "(SELECT id FROM data_workflow WHERE workflow_code = :code)",
                to=self.chance.choice(there), newest=newest, code=code,
            )  # fmt: skip

    def baseline(self, code: str) -> None:
        self.archive.execute(
            "UPDATE workflow_definition_snapshot SET is_baseline = 1 WHERE id = "
            "(SELECT min(id) FROM workflow_definition_snapshot)"
        )

    def clean_up(self, code: str) -> None:
        """In the middle of it all; nothing is old yet but for rules that do not ask."""
        self.archive.clean_up()


def check(archive: Archive, rule: RuleChange, chance: Random) -> None:
    before = {row["id"]: row for row in archive.rows("workflow_version") if row["removed_at"] is None}
    protected = (protected_ids(archive).keys() | switched(archive, rule)) & before.keys()
    planned, edges = archive.plan(), archive.edges()
    newest = {code: max(archive.there(code)) for code in CODES}
    interrupted(archive, chance)
    after = {row["id"]: row for row in archive.rows("workflow_version") if row["removed_at"] is None}
    assert protected <= after.keys()
    assert all(after[one] == before[one] for one in after)
    sources = {(row["workflow_id"], row["rollback_of"]) for row in after.values()}
    targets = {one for one, row in before.items() if (row["workflow_id"], row["version_no"]) in sources}
    assert targets <= after.keys()
    gone = sum(len(one.removed) for one in planned.workflows)
    assert len(before) - len(after) == gone
    assert archive.plan().rows == 0
    assert (wrongs(archive, edges.elements()), garbage(archive)) == ([], [])
    for one in after.keys() - protected - targets:
        later = [row for row in after.values() if row["workflow_id"] == after[one]["workflow_id"] and row["id"] > one]
        assert rule.keep_days == 500 or len(later) < (rule.keep_last or 0), after[one]
    for code in CODES:
        assert archive.save(code, "echo the next one") == newest[code] + 1
    assert wrongs(archive) == []


def switched(archive: Archive, rule: RuleChange) -> set[int]:
    """Version ids that are protected while the rule says so."""
    tagged = {row["version_id"] for row in archive.rows("workflow_version_tag")}
    snapshots = archive.rows("workflow_definition_snapshot")
    published = {row["version_id"] for row in snapshots if row["status"] == "published"}
    return (tagged if rule.keep_tagged else set()) | (published if rule.keep_published else set())


def interrupted(archive: Archive, chance: Random) -> None:
    """Each of its managers dies after a few transactions; the next one goes on."""

    class Died(BaseException):
        pass

    flow_id, left = archive.begin(), 0

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Died

    archive.on_rest = die
    while True:
        left = chance.randint(1, 4)
        try:
            found = archive.drive(flow_id)
        except Died:
            continue
        assert (found.state, found.error) == (FlowState.FINISHED, None)
        return
