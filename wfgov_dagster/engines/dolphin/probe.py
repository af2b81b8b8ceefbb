"""A DolphinScheduler server, tried out: `EngineProbe` over its REST API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr

from wfgov_dagster.engines.dolphin import calls, marks
from wfgov_dagster.engines.dolphin.call import Call
from wfgov_dagster.engines.dolphin.calls import Api
from wfgov_dagster.engines.dolphin.client import Talk
from wfgov_dagster.engines.dolphin.connection import Connection, find_dialect, pages
from wfgov_dagster.engines.dolphin.dialect import V31, V33, Dialect, StartAnswer
from wfgov_dagster.engines.dolphin.shown import DEFAULT
from wfgov_dagster.errors import EngineRejected
from wfgov_dagster.ports.engine_probe import ProbeReport
from wfgov_dagster.ports.publishing import RegisteredEngine

PROBE_SECONDS: Final = 60.0  # so many requests, so long altogether
_ALL_RIGHTS: Final = 7  # a project's `perm`, as `DEFAULT_ADMIN_PERMISSION` says
_SHOWN: Final = 5

Row = Mapping[str, Any]


class DolphinProbe:
    """`now`: our clock."""

    def __init__(
        self,
        registered: RegisteredEngine,
        token: Callable[[], SecretStr],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registered = registered
        self._token = token
        self._now = now

    def probe(self, *, create_project: bool = False) -> ProbeReport:
        connection = Connection(self._registered, self._token, PROBE_SECONDS)
        try:
            return self._probe(connection, create_project=create_project)
        finally:
            connection.close()

    def _probe(self, connection: Connection, *, create_project: bool) -> ProbeReport:
        talk = connection.talk()
        dialect = find_dialect(talk)
        me: Row = talk.ask(calls.user_info())
        problems = [*self._tenant(talk, dialect), *self._worker_group(talk)]
        project = self._project(talk)
        created = project is None and create_project and not problems
        if created:
            talk.ask(calls.create_project(self._registered.project))
            project = self._project(talk)
        if project is None and not (create_project and problems):
            problems.append(f"project {self._registered.project!r} is not there, or the token may not see it")
        return ProbeReport(
            _version(talk, dialect),
            dialect.family,
            _capabilities(dialect),
            self._skew(connection),
            _permissions(dialect, me, project),
            [] if project is None or created else list(_foreign(talk, Api(dialect, int(project["code"])), me)),
            created,
            problems + list(_may_not_write(dialect, me, project)),
        )

    # --- what has to be there --------------------------------------------------------------------

    def _project(self, talk: Talk) -> Row | None:
        """Its search finds every name that contains the text."""
        wanted = self._registered.project
        rows = pages(talk, lambda page: calls.find_projects(wanted, page))
        return next((row for row in rows if row["name"] == wanted), None)

    def _tenant(self, talk: Talk, dialect: Dialect) -> Iterator[str]:
        """3.1 has none by itself, and takes no definition without one."""
        wanted = self._registered.tenant or DEFAULT
        if self._registered.tenant is None and dialect is not V31:
            return
        known = _asked(talk, calls.tenants())
        if known is not None and wanted not in {str(row["tenantCode"]) for row in known}:
            listed = ", ".join(sorted(str(row["tenantCode"]) for row in known)) or "none"
            yield (
                f"tenant {wanted!r} is not there: make it under Security, Tenant Manage, named as a user of "
                f"the server's operating system, or choose one with --tenant (known: {listed})"
            )

    def _worker_group(self, talk: Talk) -> Iterator[str]:
        wanted = self._registered.worker_group
        known = None if wanted is None else _asked(talk, calls.worker_groups())
        if known is not None and wanted not in known:
            listed = ", ".join(sorted(map(str, known))) or "none, is a worker up?"
            yield f"worker group {wanted!r} is not there: choose one with --worker-group (known: {listed})"

    def _skew(self, connection: Connection) -> float | None:
        """Its answers have a date in whole seconds, so half a second is unknown on either side."""
        before = self._now()
        date = connection.date()
        if date is None:
            return None
        ours = before + (self._now() - before) / 2
        skew = (date - ours).total_seconds() + 0.5
        return 0.0 if abs(skew) <= 1.0 else round(skew, 1)


def _asked(talk: Talk, call: Call) -> Sequence[Any] | None:
    """None: the token may not ask that, so nothing is known."""
    try:
        found: Sequence[Any] = talk.ask(call) or ()
    except EngineRejected as exc:
        if exc.number is None:
            raise
        return None
    return found


def _version(talk: Talk, dialect: Dialect) -> str | None:
    """Only 3.3 and later tell it."""
    if dialect is not V33:
        return None
    found = talk.ask(calls.product_info())
    told = found.get("version") if isinstance(found, Mapping) else None
    return None if told is None else str(told)


def _capabilities(dialect: Dialect) -> tuple[str, ...]:
    starts = "start" if dialect.start_answer is StartAnswer.NOTHING else "start with the instance's id"
    tenant = "a tenant a workflow" if dialect.tenant_of_definition else "a tenant a schedule and start"
    return ("deploy", "online", "offline", "schedule", starts, "stop", "instances", "task logs", "versions", tenant)


def _permissions(dialect: Dialect, me: Row, project: Row | None) -> tuple[str, ...]:
    if project is None:
        return ()
    return ("read", "write") if _may_write(dialect, me, project) else ("read",)


def _may_write(dialect: Dialect, me: Row, project: Row) -> bool:
    """3.1 lets everybody write who may read; later ones have a level a project."""
    ours = me.get("userType") == "ADMIN_USER" or project.get("userId") == me.get("id")
    return dialect is V31 or ours or project.get("perm") == _ALL_RIGHTS


def _may_not_write(dialect: Dialect, me: Row, project: Row | None) -> Iterator[str]:
    if project is not None and not _may_write(dialect, me, project):
        yield f"user {me.get('userName')} may only read project {project['name']!r}: grant it the right to write"


def _foreign(talk: Talk, api: Api, me: Row) -> Iterator[str]:
    """Definitions that are not ours, and ours that somebody else changed last."""
    strange: list[str] = []
    changed: dict[str, list[str]] = {}
    for row in pages(talk, lambda page: api.find_definitions("", page)):
        _, marker, _ = marks.read(str(row.get("description") or ""), str(row["name"]))
        who = row.get("modifyBy") or row.get("userName")
        if marker is None:
            strange.append(str(row["name"]))
        elif who is not None and who != me.get("userName"):
            changed.setdefault(str(who), []).append(str(row["name"]))
    if strange:
        yield f"{len(strange)} definitions of the project are not ours: {_some(strange)}"
    for who, names in sorted(changed.items()):
        yield f"user {who} changed {len(names)} of ours last: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(sorted(names)[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
