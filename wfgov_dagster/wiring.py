"""The one place that knows every implementation; each is made at its first use, so that commands start quickly."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from wfgov_dagster.errors import InvalidInput, WfgovError
from wfgov_dagster.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from wfgov_dagster.engines.dolphin.engine import DolphinEngine
    from wfgov_dagster.logs import Redaction
    from wfgov_dagster.ports.embedded import EmbeddedStore, FireReport
    from wfgov_dagster.ports.engine import Engine
    from wfgov_dagster.ports.engine_probe import EngineProbe
    from wfgov_dagster.ports.metadata import ImportBatch
    from wfgov_dagster.ports.publishing import RegisteredEngine
    from wfgov_dagster.ports.runtime import Holders, Notifier, Runner, Runs
    from wfgov_dagster.ports.sql import SqlReader
    from wfgov_dagster.runs.meter import MemoryMeter
    from wfgov_dagster.store.db import Database
    from wfgov_dagster.store.store import SqlStore
    from wfgov_dagster.usecases.advance_change_set import Crew
    from wfgov_dagster.usecases.clean_up_flow import Janitor
    from wfgov_dagster.usecases.credentials import Credentials
    from wfgov_dagster.usecases.deliver_alerts import DeliveryReport
    from wfgov_dagster.usecases.do_chores import Chores
    from wfgov_dagster.usecases.flow_manager import FlowManager, NodeReport, Registry
    from wfgov_dagster.usecases.publisher import Publisher
    from wfgov_dagster.usecases.register_engine import Desk
    from wfgov_dagster.usecases.sync_history import SyncReport
    from wfgov_dagster.usecases.watch_flows import Ears


class Platform:
    """What an installation consists of. One per process; `close` ends its connections."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._dolphins: dict[RegisteredEngine, DolphinEngine] = {}
        self._making = Lock()

    @cached_property
    def database(self) -> "Database":
        """Raises DatabaseMissing, DatabaseOlder or DatabaseNewer; an SQLite file that is not there yet is made."""
        from wfgov_dagster.store.db import Database
        from wfgov_dagster.store.revision import is_current

        database = Database(self.settings.url(), self.settings.busy_timeout_seconds)
        if not is_current(database):
            from wfgov_dagster.store.migrate import check

            database.dispose()
            check(self.settings.url())
        return database

    @cached_property
    def store(self) -> "SqlStore":
        from wfgov_dagster.store.store import SqlStore

        return SqlStore(self.database)

    @cached_property
    def embedded_store(self) -> "EmbeddedStore":
        from wfgov_dagster.store.embedded import SqlEmbeddedStore

        return SqlEmbeddedStore(self.database)

    @property
    def log_root(self) -> Path:
        """Whoever runs instances writes the logs of their tasks below it."""
        return self.settings.root() / "logs" / "instances"

    @property
    def data_root(self) -> Path:
        """The embedded engine's data: a DuckDB file a data source."""
        return self.settings.root() / "data"

    @cached_property
    def runs(self) -> "Runs":
        from wfgov_dagster.runs.adapter import DagsterRuns

        return DagsterRuns(self.settings)

    def engine(self, name: str, actor: str, *, looks: bool = False) -> "Engine":
        """A registered engine by name; the embedded one is registered when it is asked for first, but not by whoever
        only looks. Raises NotFound."""
        from wfgov_dagster.usecases import engines

        if name == engines.EMBEDDED and not looks:
            return self.engine_of(engines.ensure_embedded(self.store, actor))
        with self.store.read() as work:
            return self.engine_of(engines.seen(work, name))

    @cached_property
    def credentials(self) -> "Credentials":
        from wfgov_dagster.settings import variable
        from wfgov_dagster.usecases.credentials import Credentials
        from wfgov_dagster.vault.keys import key_of, place
        from wfgov_dagster.vault.sealed import AesVault

        told = self.settings.secret_key, self.settings.key_file()
        return Credentials(AesVault(key_of(*told), place(*told)), variable, self.redaction.learn)

    def token(self, registered: "RegisteredEngine") -> "Callable[[], SecretStr]":
        """Read when it is asked for. Raises CredentialMissing."""
        return lambda: self.credentials.token(registered)

    @cached_property
    def redaction(self) -> "Redaction":
        """The filter that knows every secret that this process has read."""
        from wfgov_dagster.logs import redaction

        return redaction(self.settings)

    def secrets(self) -> "Redaction":
        """The same, when it has read every token that can be read here."""
        from wfgov_dagster.errors import CredentialMissing

        with self.store.read() as work:
            registered = [one for one in work.publishing.engines() if one.credential_ref is not None]
        for one in registered:
            try:
                self.token(one)()
            except CredentialMissing:
                continue
        return self.redaction

    def desk(self) -> "Desk":
        """Where engines are registered."""
        from wfgov_dagster.usecases.register_engine import Desk

        return Desk(self.store, self.credentials, self.probe_of)

    def probe_of(self, registered: "RegisteredEngine", token: "Callable[[], SecretStr]") -> "EngineProbe":
        """Raises InvalidInput for a kind that this release has no adapter for."""
        from datetime import UTC, datetime
        from importlib.metadata import version

        from wfgov_dagster.engines.embedded.probe import EmbeddedProbe
        from wfgov_dagster.store.clock import read_clock

        if registered.kind == "dolphin":
            from wfgov_dagster.engines.dolphin.probe import DolphinProbe

            return DolphinProbe(registered, token)
        if registered.kind != "embedded":
            raise InvalidInput(f"no adapter for {registered.kind} engines", where=f"engine {registered.name}")
        return EmbeddedProbe(lambda: read_clock(self.database), lambda: datetime.now(UTC), version("wfgov"))

    def engine_of(self, registered: "RegisteredEngine") -> "Engine":
        """Raises InvalidInput for a kind that this release has no adapter for."""
        if registered.kind == "dolphin":
            return self._dolphin(registered)
        if registered.kind != "embedded":
            raise InvalidInput(f"no adapter for {registered.kind} engines", where=f"engine {registered.name}")
        from wfgov_dagster.engines.embedded.engine import EmbeddedEngine

        return EmbeddedEngine(registered.name, self.embedded_store, self.log_root)

    def _dolphin(self, registered: "RegisteredEngine") -> "DolphinEngine":
        """One for each row as it is now: it keeps its connections, and what it once found out of its server."""
        from wfgov_dagster.engines.dolphin.engine import DolphinEngine
        from wfgov_dagster.store.dolphin import SqlDolphinMemory

        with self._making:
            if registered not in self._dolphins:
                seconds = self.settings.call_seconds or self.settings.lease_seconds / 3
                memory = SqlDolphinMemory(self.database, registered.id)
                self._dolphins[registered] = DolphinEngine(registered, self.token(registered), memory, seconds)
            return self._dolphins[registered]

    def sync_history(self, actor: str, names: Sequence[str] = ()) -> "list[SyncReport]":
        """The last instances of each workflow into the cache; without names of every engine over a network."""
        from wfgov_dagster.usecases.sync_history import sync_all

        return sync_all(self.store, self.engine_of, actor, names)

    def engines_to_sync(self) -> Sequence[str]:
        """Engines over a network that nobody asked for `history_seconds`, by name."""
        from wfgov_dagster.usecases.engines import EMBEDDED

        with self.store.read() as work:
            return work.instances.due(EMBEDDED, self.settings.history_seconds)

    def run_instance(self, instance_id: int, run_id: str, tell: Callable[[str], None]) -> str | None:
        """Run a submitted instance to its end; its final state, None if somebody else has it. Raises Conflict."""
        from wfgov_dagster.engines.embedded.run import Host, TaskEvent, run_instance
        from wfgov_dagster.runners.duckdb_sql import DuckDbRunner
        from wfgov_dagster.runners.python import python_runner
        from wfgov_dagster.runners.shell import shell_runner

        def on_event(event: TaskEvent) -> None:
            tell(f"{event.task_code}: {event.state}, try {event.attempt}" + (f": {event.error}" if event.error else ""))

        settings, data = self.settings, self.data_root
        runners: list[Runner] = [DuckDbRunner(data), shell_runner(data), python_runner(data)]
        host = Host(runners, self.log_root, settings.task_slots, settings.heartbeat_seconds, on_event)
        return run_instance(self.embedded_store, host, instance_id, run_id)

    def publisher(self) -> "Publisher":
        """A new one a call: its holder's name is nobody else's."""
        import random

        from wfgov_dagster.usecases.publisher import Limits, Publisher

        told = self.settings
        settle_embedded, settle_network = told.settle()
        limits = Limits(
            lease_seconds=told.lease_seconds,
            settle_seconds=settle_embedded,
            network_settle_seconds=settle_network,
            attempts=told.publish_attempts,
            first_wait_seconds=told.backoff_first_seconds,
            longest_wait_seconds=told.backoff_longest_seconds,
            deadline_seconds=told.publish_deadline_seconds,
            call_seconds=told.longest_call_seconds(),
            breaker_rest_seconds=told.breaker_rest_seconds,
            horizon_seconds=told.sweep_horizon_seconds,
            sweep_seconds=told.sweep_seconds,
            writes_per_second=told.engine_writes_per_second,
        )
        chance = random.SystemRandom().random
        return Publisher(self.store, self.engine_of, self.holders.new(), chance, limits, self.holders.is_dead)

    def crew(self) -> "Crew":
        """Who publishes the members of a change set."""
        import time

        from wfgov_dagster.runs.side_by_side import side_by_side
        from wfgov_dagster.usecases.advance_change_set import Crew

        return Crew(self.publisher(), side_by_side, time.sleep, time.monotonic)

    def janitor(self) -> "Janitor":
        """Who cleans up."""
        import time

        from wfgov_dagster.usecases.clean_up_flow import Janitor

        return Janitor(self.publisher(), time.sleep, time.monotonic)

    @cached_property
    def holders(self) -> "Holders":
        from wfgov_dagster.runs.holders import ProcessHolders

        return ProcessHolders()

    @cached_property
    def meter(self) -> "MemoryMeter":
        from wfgov_dagster.runs.meter import MemoryMeter

        return MemoryMeter()

    @cached_property
    def definitions(self) -> "Registry":
        """Every durable flow that this release knows, in every version that may still be under way."""
        import time

        from wfgov_dagster.usecases import change_set_flow, clean_up_flow, publish_flow, sweep_flow
        from wfgov_dagster.usecases.flow_manager import Registry

        return Registry(
            [
                publish_flow.definition(self.publisher),
                change_set_flow.definition(self.crew),
                sweep_flow.definition(self.publisher, time.sleep),
                clean_up_flow.definition(self.janitor),
            ]
        )

    def flows(self, tell: "Callable[[NodeReport], None]" = lambda _event: None) -> "FlowManager":
        """A new manager a call: its holder's name is nobody else's. `tell` hears of every word of a flow node."""
        import random

        from wfgov_dagster.usecases.flow_manager import FlowLimits, FlowManager

        return FlowManager(
            self.store,
            self.definitions,
            self.holders.new(),
            self.holders.is_dead,
            random.SystemRandom().random,
            FlowLimits(self.settings.lease_seconds),
            self.meter,
            tell,
        )

    def due_flows(self) -> list[int]:
        """Flows that wait for a manager now."""
        from wfgov_dagster.usecases.flows import due

        return due(self.flows())

    def is_untold(self) -> bool:
        """Whether a deployment was confirmed that Dagster was not told of, a while ago."""
        from wfgov_dagster.usecases.tell_deployments import to_tell

        return bool(to_tell(self.store, 1))

    def watch_flows(self, stop: Event, ears: "Ears", seconds: float | None = None, workers: int = 4) -> None:
        """Drive what is due until `stop`, and do the chores; with `seconds` only the flows, and no longer."""
        import time

        from wfgov_dagster.runs.watch_loop import WatchLoop
        from wfgov_dagster.usecases.watch_flows import TICK_SECONDS, Sleeper, Watch

        def sleep(pause: float) -> None:
            stop.wait(pause)

        task = self.chores() if seconds is None else seconds
        watch = Watch(self.flows(ears.on_event), ears, Sleeper(sleep, stop.is_set), time.monotonic, task)
        WatchLoop(watch.due, watch.care, watch.goes_on, stop, workers, TICK_SECONDS).run()

    def chores(self) -> "Chores":
        from wfgov_dagster.usecases.do_chores import Chores
        from wfgov_dagster.usecases.start_instance import launch

        def have_run(instance_id: str) -> str:
            return launch(self.runs, instance_id)

        return Chores(self.fire_due, have_run, self.deliver_alerts, self.keep_counts)

    def keep_counts(self) -> None:
        """Write down what this process has counted. Raises StoreError."""
        from wfgov_dagster.usecases.count_calls import keep_counts

        keep_counts(self.store, self.meter)

    def fire_due(self) -> "FireReport":
        """Instances for the schedules of embedded engines that have come due; nobody runs them yet."""
        from wfgov_dagster.engines.embedded.fire import fire_due

        return fire_due(self.embedded_store)

    @cached_property
    def notifier(self) -> "Notifier":
        """Where alerts go: a log, as long as there is no other channel."""
        from wfgov_dagster.logs import logger
        from wfgov_dagster.notifiers.log import LogNotifier

        filter_ = self.redaction
        file = self.settings.root() / "logs" / "alerts.jsonl"
        return LogNotifier(file, self.settings.webserver_url, filter_, logger(filter_).error)

    def deliver_alerts(self) -> "DeliveryReport":
        from wfgov_dagster.usecases.deliver_alerts import deliver_alerts

        return deliver_alerts(self.store, self.notifier)

    def close(self) -> None:
        """Counts that the database does not take are lost, and told: whoever closes has its result already."""
        for engine in self._dolphins.values():
            engine.close()
        if "meter" in self.__dict__:
            try:
                self.keep_counts()
            except WfgovError as exc:
                from wfgov_dagster.logs import logger

                logger(self.redaction).warning("calls of flows are not counted", error=exc.sentence())
        if "database" in self.__dict__:
            self.database.dispose()


def upgrade_database(settings: Settings) -> str:
    """Migrate; returns the revision."""
    from wfgov_dagster.store.migrate import upgrade

    return upgrade(settings.url())


def serve_dagster(settings: Settings, port: int | None, ready: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT; `ready` is told the URL. Raises Conflict."""
    from wfgov_dagster.runs.home import DagsterHome
    from wfgov_dagster.runs.server import serve

    serve(DagsterHome(settings.root()), port, settings.catalogue(), ready)


def read_csv(folder: Path) -> "ImportBatch":
    from wfgov_dagster.importers.csv_folder import read_csv_folder

    return read_csv_folder(folder)


def read_sql(folder: Path, dialect: str) -> "ImportBatch":
    from wfgov_dagster.importers.sql_text import read_sql_folder

    return read_sql_folder(folder, dialect)


def sql_reader(dialect: str) -> "SqlReader":
    """Raises InvalidInput for an unknown dialect."""
    from wfgov_dagster.importers.sql_reader import SqlglotReader

    return SqlglotReader(dialect)


def count_rows(file: Path, schema: str) -> dict[str, int]:
    from wfgov_dagster.sources.duckdb_file import count_rows as count

    return count(file, schema)


def version_text(value: object, form: str) -> str:
    """`form` json or yaml."""
    from wfgov_dagster.importers import version_file

    return version_file.as_yaml(value) if form == "yaml" else version_file.as_json(value)


def read_version(content: bytes, name: str) -> object:
    """Raises InvalidInput; `name` is the file's."""
    from wfgov_dagster.importers.version_file import read

    return read(content, name)
