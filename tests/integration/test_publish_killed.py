"""Publishers that are killed with −9 wherever they are leave nothing that the platform does not know (R5)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.integration.publish_judge import Judge, history
from tests.integration.publish_support import a_definition
from tests.integration.publishing_child import Clerk, Life, publish_until_killed, publish_what_is_left
from tests.support.killing import family, killed_at_random
from tests.support.size import SEED, size
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.store.db import Database

KILLS = size(8, 500)
SIDE_BY_SIDE = 2
WORKFLOWS = tuple(f"w{at}" for at in range(6))
LIVES_AT_MOST_SECONDS = 0.6


@pytest.mark.timeout(3600)
def test_publishers_killed_anywhere_leave_nothing_unknown(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    chance, judge = Random(SEED), Judge(database)
    with family() as children:
        for kills in range(0, KILLS, SIDE_BY_SIDE):
            lives = [life(database_url, tmp_path, chance, slot) for slot in range(SIDE_BY_SIDE)]
            started = [children.start(publish_until_killed, one) for one in lives]
            killed_at_random(started, chance, LIVES_AT_MOST_SECONDS)
            wrongs = judge.wrongs()
            assert not wrongs, "\n".join([f"after {kills + SIDE_BY_SIDE} kills, seed {SEED}:", *wrongs])
        children.start(publish_what_is_left, life(database_url, tmp_path, chance, 0)).wait()
    wrongs = judge.at_the_end()
    assert not wrongs, "\n".join([f"at the end, seed {SEED}:", *wrongs])


def life(url: str, home: Path, chance: Random, slot: int) -> Life:
    return Life(url, home, chance.getrandbits(32), WORKFLOWS[slot::SIDE_BY_SIDE])


# --- the judge -----------------------------------------------------------------------------------

TAMPERED = {
    "release state is": "UPDATE embedded_workflow SET online = 0, schedule_online = 0",
    "release state of the deployment row": "UPDATE engine_deployment SET online = 0",
    "content is": "UPDATE embedded_workflow SET document = replace(document, 'echo 2', 'echo 1')",
    "marker is": "UPDATE embedded_workflow SET marker = replace(marker, '\"version_no\":2', '\"version_no\":1')",
    "version is": "UPDATE engine_deployment SET version_id = (SELECT min(id) FROM workflow_version)",
    "last published version": "UPDATE data_workflow SET last_published_version_id = NULL",
    "schedule is": "UPDATE embedded_workflow SET schedule = replace(schedule, '30 2', '31 2')",
    "publish status": "UPDATE data_workflow SET publish_status = 'publishing'",
    "more versions": "UPDATE publish_step SET step = 'take_offline' WHERE step = 'deploy'",
    "nobody makes good": "UPDATE workflow_publish_record SET status = 'failed', phase = 'superseded'"
    " WHERE id = (SELECT max(id) FROM workflow_publish_record)",
    "('failed', 'failed')": "UPDATE workflow_publish_record SET status = 'failed', phase = 'failed'",
    "is running": "UPDATE workflow_publish_record SET status = 'pending', phase = 'running'",
    "its flow Finished": "UPDATE workflow_publish_record SET status = 'failed', phase = 'superseded'",
    "lease that nobody has": "UPDATE engine_lease SET until = '2999-01-01 00:00:00.000000'",
    "nobody's lease": "UPDATE flow SET holder = 'somebody'",
}


@pytest.fixture(scope="module")
def published_once(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """V2 is online on the engine, with a schedule; V1 was before it."""
    home = tmp_path_factory.mktemp("published")
    file = Path(shutil.copy(sqlite_template, home / "wfgov.db"))
    clerk = Clerk(Life(f"sqlite:///{file}", home, SEED, ("w",)))
    clerk.office.save(a_definition("w", "echo 1"))
    for operation in (Operation.DEPLOY, Operation.ONLINE):
        clerk.ask(operation, "w")
    clerk.office.save(a_definition("w", "echo 2"))
    clerk.ask(Operation.DEPLOY, "w")
    clerk.platform.close()
    return file


@pytest.fixture
def published(published_once: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(published_once, tmp_path / 'wfgov.db')}")
    yield database
    database.dispose()


def test_the_judge_finds_nothing_where_nothing_is_wrong(published: Database) -> None:
    assert Judge(published).at_the_end() == []


@pytest.mark.parametrize("wrong", TAMPERED)
def test_the_judge_sees(published: Database, wrong: str) -> None:
    with published.write() as conn:
        assert conn.exec_driver_sql(TAMPERED[wrong]).rowcount > 0
    assert wrong in "; ".join(Judge(published).at_the_end())


@pytest.mark.parametrize(
    ("wrong", "operation", "version_id", "online"),
    [("deployed again", "deploy", 1, True), ("backwards", "deploy", 0, True), ("was so already", "online", 1, True)],
)
def test_the_judge_sees_a_second_success_of_one_wish(wrong: str, operation: str, version_id: int, online: bool) -> None:
    def record(number: int, operation: str, version_id: int, online: bool) -> dict[str, object]:
        end = {"status": "success", "phase": "confirmed", "desired": f'{{"online": {str(online).lower()}}}'}
        return {"id": number, "operation": operation, "version_id": version_id, **end}

    first = [record(1, "deploy", 1, False), record(2, "online", 1, True)]
    assert history(first) == []
    assert wrong in "; ".join(history([*first, record(3, operation, version_id, online)]))
