"""A server that is tried out: it says what it was told to say, and what it was asked is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from wfgov_dagster.errors import EngineError
from wfgov_dagster.ports.engine_probe import EngineProbe, ProbeReport
from wfgov_dagster.ports.publishing import RegisteredEngine

FINE = ProbeReport("3.1.1", "3.1", ("deploy", "online"), 0.4, ("read", "write"))


@dataclass
class Server:
    """`tokens` are taken, every other one is refused with `says`. `has_project`: until a probe makes it."""

    tokens: Sequence[str]
    report: ProbeReport = FINE
    says: Callable[[str], EngineError] | None = None
    has_project: bool = True
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def probe_of(self, registered: RegisteredEngine, token: Callable[[], SecretStr]) -> EngineProbe:
        return _Probe(self, registered, token)


@dataclass
class _Probe:
    server: Server
    registered: RegisteredEngine
    token: Callable[[], SecretStr]

    def probe(self, *, create_project: bool = False) -> ProbeReport:
        server, token = self.server, self.token().get_secret_value()
        server.asked.append((self.registered.name, create_project))
        if token not in server.tokens and server.says is not None:
            raise server.says(token)
        if server.has_project:
            return server.report
        if not create_project:
            return replace(server.report, problems=(f"project {self.registered.project} is not there",))
        server.has_project = True
        return replace(server.report, project_created=True)
