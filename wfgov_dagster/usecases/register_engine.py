"""Register an engine, give it another token, remove it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from wfgov_dagster.domain.engine_address import address
from wfgov_dagster.errors import Conflict, EngineError, EngineRejected, InvalidInput, NotFound
from wfgov_dagster.ports.engine_probe import EngineProbe, ProbeReport
from wfgov_dagster.ports.engines import EngineUse, NewEngine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.credentials import Credentials, Given

DOLPHIN: Final = "dolphin"
KINDS: Final = (DOLPHIN, engines.EMBEDDED)
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")  # it is the first part of workflow keys
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f/]{1,100}")
_SHOWN: Final = 5

Token = Callable[[], SecretStr]


@dataclass(frozen=True, slots=True)
class Desk:
    """`probe_of` raises InvalidInput for a kind that this release has no adapter for."""

    store: Store
    credentials: Credentials
    probe_of: Callable[[RegisteredEngine, Token], EngineProbe]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`project`, `tenant` … None = not told. `token`: of a dolphin engine only."""

    name: str
    kind: str
    url: str | None = None
    project: str | None = None
    tenant: str | None = None
    worker_group: str | None = None
    time_zone: str | None = None
    token: Given | None = None


@dataclass(frozen=True, slots=True)
class Added:
    engine: RegisteredEngine
    report: ProbeReport


@dataclass(frozen=True, slots=True)
class Removed:
    """`kept`: its row stays for its history, and its name taken. `left`: workflows that the server still holds."""

    name: str
    kept: bool
    left: int


def add_engine(desk: Desk, actor: str, wanted: Wanted) -> Added:
    """Connects first: an engine that cannot be used is not registered. A project that is not there is made on it.

    Raises InvalidInput, Conflict (the name is taken), EngineRejected with everything that has to be put right, or
    EngineUnreachable. A refusal gets an audit entry, nothing else; no entry holds the token.
    """
    told = {"kind": wanted.kind, "url": wanted.url if _is_address(wanted.url) else None, "project": wanted.project}
    with _audited(desk.store, actor, "register_engine", wanted.name, told):
        new, token = _checked(desk.credentials, actor, wanted)
        with desk.store.read() as work:
            _refuse_taken(work, new.name)
        report = desk.probe_of(_unsaved(new), lambda: token or SecretStr("")).probe(create_project=True)
        if report.problems:
            raise EngineRejected("; ".join(report.problems), where=f"engine {new.name}", hint="then add it again")
        new = replace(_kept(desk.credentials, wanted, new), family=report.family)
        with desk.store.write() as work:
            if not work.engines.add(new):
                raise _taken(new.name)
            detail = _detail(new) | {"version": report.version, "project_created": report.project_created}
            work.audit.add(actor, "register_engine", ("engine", new.name), detail)
            return Added(engines.get(work, new.name), report)


def replace_token(desk: Desk, actor: str, name: str, given: Given) -> ProbeReport:
    """Tokens expire, keys are lost. The new one is tried first.

    Raises NotFound, InvalidInput, EngineRejected (the engine does not take it) or EngineUnreachable.
    """
    with _audited(desk.store, actor, "replace_token", name, {}):
        token = desk.credentials.check(given)
        with desk.store.read() as work:
            engine = engines.get(work, name)
        if engine.kind != DOLPHIN:
            raise InvalidInput(f"{engine.kind} engines take no token", where=f"engine {name}")
        report = desk.probe_of(engine, lambda: token).probe()
        ref, sealed = desk.credentials.keep(given, engine.name, engine.url)
        with desk.store.write() as work:
            work.engines.set_credential(engines.get(work, name).id, ref, sealed)
            work.audit.add(actor, "replace_token", ("engine", name), {"credential_ref": ref})
        return report


def remove_engine(store: Store, actor: str, name: str, default: str) -> Removed:
    """Nothing on the server is touched: what is offline there stays offline.

    Raises NotFound; Conflict while something hangs on it, with what to do.
    """
    with _audited(store, actor, "remove_engine", name, {}), store.write() as work:
        engine = engines.get(work, name)
        use = work.engines.use(engine.id)
        if name in {engines.EMBEDDED, default}:
            hint = "set WFGOV_DEFAULT_ENGINE to another one first" if name == default else "it costs nothing"
            raise Conflict("it is always there", where=f"engine {name}", hint=hint)
        _refuse_used(name, use)
        work.engines.remove(engine.id, keep=use.has_history)
        work.audit.add(actor, "remove_engine", ("engine", name), {"left": list(use.deployed)})
        return Removed(name, use.has_history, len(use.deployed))


# --- what is refused -----------------------------------------------------------------------------


def _checked(credentials: Credentials, actor: str, wanted: Wanted) -> tuple[NewEngine, SecretStr | None]:
    """With the token of an engine that takes one. Raises InvalidInput."""
    where = f"engine {wanted.name!r}"
    if not _NAME.fullmatch(wanted.name):
        hint = "1 to 100 letters, digits, '.', '_' or '-', a letter or digit first and last"
        raise InvalidInput("that is no name of an engine", where=where, hint=hint)
    if wanted.kind not in KINDS:
        raise InvalidInput(f"no adapter for {wanted.kind} engines", where=where, hint=f"kinds: {', '.join(KINDS)}")
    for name in ("project", "tenant", "worker_group"):
        text = getattr(wanted, name)
        if text is not None and (not _TEXT.fullmatch(text) or text != text.strip()):
            raise InvalidInput(
                f"that is no {name.replace('_', ' ')}", where=where, hint="1 to 100 characters, no slash"
            )
    zone = None if wanted.time_zone is None else _zone(wanted.time_zone, where)
    told = (wanted.tenant, wanted.worker_group)
    new = NewEngine(wanted.name, wanted.kind, actor, None, wanted.project or "default", *told, zone)
    if wanted.kind != DOLPHIN:
        if wanted.url is not None or wanted.token is not None:
            raise InvalidInput(f"{wanted.kind} engines have no URL and no token", where=where, hint="leave them out")
        return new, None
    if wanted.url is None or wanted.project is None:
        raise InvalidInput("where does it answer, and in which project?", where=where, hint="--url and --project")
    return replace(new, url=address(wanted.url)), credentials.check(wanted.token or Given())


def _zone(name: str, where: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "an IANA name, for example Asia/Shanghai"
        raise InvalidInput(f"{name!r} is no time zone", where=where, hint=hint) from None


def _refuse_taken(work: Work, name: str) -> None:
    if name in {engine.name for engine in work.publishing.engines()}:
        raise _taken(name)


def _taken(name: str) -> Conflict:
    hint = "another name: wfgov engine list; the name of a removed engine stays with its history"
    return Conflict("the name is taken", where=f"engine {name}", hint=hint)


def _refuse_used(name: str, use: EngineUse) -> None:
    where = f"engine {name}"
    if use.open_records:
        hint = f"see how they end: wfgov record list --engine {name} --status pending"
        raise Conflict(f"publish records {_some(use.open_records)} have not ended", where=where, hint=hint)
    if use.change_sets:
        hint = "wait for them, or: wfgov change-set cancel"
        raise Conflict(f"change sets {_some(use.change_sets)} have not ended", where=where, hint=hint)
    if use.named_by:
        hint = "name another one: wfgov workflow engine CODE NAME, or --default"
        raise Conflict(f"workflows name it: {_some(use.named_by)}", where=where, hint=hint)
    if use.online:
        hint = f"take them offline first: wfgov publish CODE --operation offline --engine {name}"
        raise Conflict(f"workflows are online there: {_some(use.online)}", where=where, hint=hint)


def _some(found: Sequence[object]) -> str:
    listed = [str(one) for one in found]
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


@contextmanager
def _audited(store: Store, actor: str, action: str, name: str, told: Mapping[str, object]) -> Iterator[None]:
    """A refusal has an audit entry in a transaction of its own."""
    try:
        yield
    except (InvalidInput, NotFound, Conflict, EngineError) as refusal:
        with store.write() as work:
            work.audit.add(actor, action, ("engine", name), {**told, "error": refusal.sentence()}, refused=True)
        raise


# --- rows ----------------------------------------------------------------------------------------


def _is_address(url: str | None) -> bool:
    try:
        return url is not None and bool(address(url))
    except InvalidInput:
        return False


def _kept(credentials: Credentials, wanted: Wanted, new: NewEngine) -> NewEngine:
    if wanted.token is None:
        return new
    ref, sealed = credentials.keep(wanted.token, new.name, new.url)
    return replace(new, credential_ref=ref, credential_sealed=sealed)


def _unsaved(new: NewEngine) -> RegisteredEngine:
    return RegisteredEngine(
        0,
        new.name,
        new.kind,
        new.url,
        new.project,
        tenant=new.tenant,
        worker_group=new.worker_group,
        time_zone=new.time_zone,
        created_by=new.created_by,
    )


def _detail(new: NewEngine) -> dict[str, object]:
    """Of the audit entry: no ciphertext either."""
    names = ("kind", "url", "project", "tenant", "worker_group", "time_zone", "family", "credential_ref")
    return {name: getattr(new, name) for name in names}
