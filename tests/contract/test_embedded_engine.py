"""The embedded engine keeps the contract, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from tests.contract.engine_contract import NIGHTLY, EngineContract, RunSubmitted, a_definition, a_marker, online
from wfgov_dagster.domain.definition import Schedule, Settings, Task, make
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.engines.embedded.run import Host, run_instance
from wfgov_dagster.errors import EngineRejected, StoreError
from wfgov_dagster.ports.engine import Engine, Marker
from wfgov_dagster.runners.shell import shell_runner
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore
from wfgov_dagster.store.schema.embedded import embedded_workflow


class LosesReplies(SqlEmbeddedStore):
    """The connection breaks just after the commit."""

    def hold(self, engine: str, code: str, document: str, marker: Marker) -> bool:
        super().hold(engine, code, document, marker)
        raise StoreError("server closed the connection unexpectedly")


class TestEmbeddedEngine(EngineContract):
    @pytest.fixture
    def engine(self, database: Database, tmp_path: Path) -> EmbeddedEngine:
        return EmbeddedEngine("embedded", SqlEmbeddedStore(database), tmp_path / "logs")

    @pytest.fixture
    def run_submitted(self, database: Database, tmp_path: Path) -> RunSubmitted:
        store = SqlEmbeddedStore(database)
        host = Host([shell_runner(tmp_path / "data")], tmp_path / "logs", heartbeat_seconds=0.2)

        def run(engine: Engine) -> None:
            for instance_id in store.submitted(engine.name):
                run_instance(store, host, instance_id, f"run-{instance_id}")

        return run

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> EmbeddedEngine:
        return EmbeddedEngine("gone", SqlEmbeddedStore(Database(f"sqlite:///{tmp_path / 'empty.db'}")), tmp_path)

    @pytest.fixture
    def mute(self, database: Database, tmp_path: Path) -> EmbeddedEngine:
        return EmbeddedEngine("mute", LosesReplies(database), tmp_path)

    @pytest.fixture
    def foreign(self, database: Database) -> Callable[[Engine], str]:
        def make(engine: Engine) -> str:
            engine.deploy(a_definition("theirs"), a_marker(a_definition("theirs")))
            with database.write() as conn:
                conn.execute(embedded_workflow.update().values(marker="{}"))
            return "theirs"

        return make

    @pytest.mark.parametrize(
        ("key", "who"), [("k" * 101, "ann"), ("k", "a" * 101)], ids=["request key", "who starts it"]
    )
    def test_what_does_not_fit_its_column_is_rejected(self, engine: Engine, key: str, who: str) -> None:
        engine.deploy(a_definition(), a_marker(a_definition()))
        engine.online("daily")
        with pytest.raises(EngineRejected, match="has 101 characters"):
            engine.start("daily", key, who)

    def test_two_engines_share_a_database_and_nothing_else(self, database: Database, engine: Engine) -> None:
        engine.deploy(a_definition(), a_marker(a_definition()))
        engine.online("daily")
        instance_id = engine.start("daily", "k", "ann")
        other = EmbeddedEngine("other", SqlEmbeddedStore(database), Path())
        assert other.observe("daily") is None
        assert list(other.instances(None, 10)) == []
        with pytest.raises(EngineRejected, match="unknown"):
            other.stop(instance_id)

    @pytest.mark.parametrize(
        ("tasks", "edges", "why"),
        [
            ("", [], "without tasks"),
            ("ab", [("a", "b"), ("b", "a")], "cycle"),
            ("a", [("ghost", "a")], "ghost"),
        ],
    )
    def test_what_nothing_could_run_is_rejected(
        self, engine: Engine, tasks: str, edges: list[tuple[str, str]], why: str
    ) -> None:
        broken = make(Settings("daily", "daily"), [Task(code, code, node_type="SHELL") for code in tasks], edges)
        with pytest.raises(EngineRejected, match=why):
            engine.deploy(broken, Marker("daily", 1, "w1:0"))
        assert engine.observe("daily") is None

    @pytest.mark.parametrize(
        "schedule", [replace(NIGHTLY, cron="0 0 31 2 *"), replace(NIGHTLY, time_zone="Mars"), replace(NIGHTLY, end="x")]
    )
    def test_a_schedule_that_is_none_is_rejected(self, engine: Engine, schedule: Schedule) -> None:
        online(engine)
        with pytest.raises(EngineRejected):
            engine.put_schedule("daily", schedule)

    def test_deploys_at_once_make_one_version_each(self, engine: Engine) -> None:
        def deploy(number: int) -> None:
            definition = a_definition(text=f"echo {number}")
            engine.deploy(definition, a_marker(definition, number))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(deploy, range(8)))
        found = engine.versions("daily")
        assert [one.version for one in found] == list(range(8, 0, -1))
        assert {one.marker and one.marker.version_no for one in found} == set(range(8))

    def test_starts_at_once_with_one_key_make_one_instance(self, engine: Engine) -> None:
        online(engine)
        with ThreadPoolExecutor(8) as pool:
            ids = set(pool.map(lambda who: engine.start("daily", "k", str(who)), range(8)))
        assert len(ids) == 1
        assert len(engine.instances("daily", 10)) == 1

    def test_the_marker_is_kept_as_json(self, database: Database, engine: Engine) -> None:
        engine.deploy(a_definition(), a_marker(a_definition()))
        with database.read() as conn:
            kept = conn.scalar(sa.select(embedded_workflow.c.marker))
        assert orjson.loads(kept) == asdict(a_marker(a_definition()))
