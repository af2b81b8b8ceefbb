"""Engines are registered, tried, given another token and removed; every refusal says what next and is on record."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from tests.doubles.probe import FINE, Server
from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import (
    Conflict,
    CredentialMissing,
    EngineRejected,
    EngineUnreachable,
    InvalidInput,
    NotFound,
    WfgovError,
)
from wfgov_dagster.ports.engine_probe import ProbeReport
from wfgov_dagster.ports.engines import NewEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.publish import engine
from wfgov_dagster.store.schema.workflow import workflow_operation_log
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.change_set import Wanted as WantedSet
from wfgov_dagster.usecases.change_set import all_changed, request_change_set
from wfgov_dagster.usecases.credentials import Credentials, Given
from wfgov_dagster.usecases.list_engines import list_engines
from wfgov_dagster.usecases.register_engine import Desk, Wanted, add_engine, remove_engine, replace_token
from wfgov_dagster.usecases.try_engine import try_engine
from wfgov_dagster.usecases.workflow_engine import engine_for, engine_for_all, name_engine
from wfgov_dagster.vault.keys import key_of, place
from wfgov_dagster.vault.sealed import AesVault

TOKEN, OTHER = "c4n4ry-0123456789abcdef", "c4n4ry-fedcba9876543210"
KEY = base64.b64encode(bytes(32)).decode()
URL = "http://127.0.0.1:12345/dolphinscheduler"
GIVEN = Given(SecretStr(f"{TOKEN}\n"))


def says_no(token: str) -> EngineRejected:
    return EngineRejected("401: it does not take our token", where="engine", hint="wfgov engine token")


def credentials(key: str | None, file: Path, variables: dict[str, str] | None = None) -> Credentials:
    secret = None if key is None else SecretStr(key)
    return Credentials(AesVault(key_of(secret, file), place(secret, file)), (variables or {}).get)


class Case:
    """One installation with a server that takes TOKEN."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.office = Office(database)
        self.database, self.store = database, self.office.store
        self.server = Server([TOKEN], says=says_no)
        self.variables = {"DS_TOKEN": TOKEN}
        self.desk = Desk(self.store, credentials(KEY, folder / "secret.key", self.variables), self.server.probe_of)

    def add(self, name: str = "ds", **told: Any) -> None:
        wanted = {"url": URL, "project": "etl", "token": GIVEN} | told
        add_engine(self.desk, "ann", Wanted(name, wanted.pop("kind", "dolphin"), **wanted))

    def row(self, name: str = "ds") -> dict[str, Any]:
        with self.database.read() as conn:
            return dict(conn.execute(sa.select(engine).where(engine.c.name == name)).one()._mapping)

    def names(self) -> list[str]:
        return [one.name for one in list_engines(self.store, "embedded")]

    def audit(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        log = workflow_operation_log.c
        with self.database.read() as conn:
            rows = conn.execute(sa.select(log.action, log.object_code, log.outcome, log.detail).order_by(log.id)).all()
        return [(action, code, outcome, orjson.loads(detail)) for action, code, outcome, detail in rows]


@pytest.fixture
def case(database: Database, tmp_path: Path) -> Case:
    return Case(database, tmp_path)


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path) -> Iterator[Case]:
    database = Database(sqlite_url)
    yield Case(database, tmp_path)
    database.dispose()


# --- add -----------------------------------------------------------------------------------------


def test_a_registered_engine_has_its_dialect_its_sealed_token_and_an_entry(case: Case) -> None:
    case.server.has_project = False
    case.add(tenant="etl", worker_group="default", time_zone="Asia/Shanghai", url=f"{URL}/")
    row = case.row()
    told = {name: row[name] for name in ("kind", "url", "project", "tenant", "worker_group", "time_zone", "family")}
    assert list(told.values()) == ["dolphin", URL, "etl", "etl", "default", "Asia/Shanghai", "3.1"]
    assert (row["credential_ref"], row["created_by"], row["removed_at"]) == ("sealed", "ann", None)
    assert TOKEN not in row["credential_sealed"]
    with case.store.read() as work:
        registered = engines.get(work, "ds")
    assert case.desk.credentials.token(registered).get_secret_value() == TOKEN
    assert "sealed'" in repr(registered)
    assert row["credential_sealed"] not in repr(registered)
    action, code, outcome, detail = case.audit()[-1]
    assert (action, code, outcome) == ("register_engine", "ds", "done")
    assert (detail["project_created"], detail["version"], detail["credential_ref"]) == (True, "3.1.1", "sealed")
    assert TOKEN not in str(case.audit())
    assert row["credential_sealed"] not in str(case.audit())


def test_a_token_in_a_variable_is_only_referred_to_and_read_late(small: Case) -> None:
    small.add(token=Given(variable="DS_TOKEN"))
    assert (small.row()["credential_ref"], small.row()["credential_sealed"]) == ("env:DS_TOKEN", None)
    with small.store.read() as work:
        registered = engines.get(work, "ds")
    small.variables["DS_TOKEN"] = OTHER
    assert small.desk.credentials.token(registered).get_secret_value() == OTHER
    for value, word in (("", "not set"), ("a b c d e f g h i", "no token"), (f"{OTHER}\nx-evil: 1", "no token")):
        small.variables["DS_TOKEN"] = value
        with pytest.raises(CredentialMissing, match=word) as caught:
            small.desk.credentials.token(registered)
        assert not value or value not in caught.value.sentence()


REFUSED: dict[str, tuple[dict[str, Any], type[WfgovError], str]] = {
    "name": ({"name": "a/b"}, InvalidInput, "no name of an engine"),
    "empty name": ({"name": ""}, InvalidInput, "no name of an engine"),
    "taken": ({"name": "embedded"}, Conflict, "the name is taken"),
    "kind": ({"kind": "dinky"}, InvalidInput, "no adapter for dinky engines"),
    "no url": ({"url": None}, InvalidInput, "where does it answer"),
    "no project": ({"project": None}, InvalidInput, "in which project"),
    "project": ({"project": "a/b"}, InvalidInput, "no project"),
    "tenant": ({"tenant": " x"}, InvalidInput, "no tenant"),
    "scheme": ({"url": "ftp://h"}, InvalidInput, "no http or https URL"),
    "user": ({"url": f"http://ann:{TOKEN}@h"}, InvalidInput, "a user or a password"),
    "parameter": ({"url": f"http://h?token={TOKEN}"}, InvalidInput, "parameters"),
    "metadata": ({"url": "http://169.254.169.254"}, InvalidInput, "no address of a server"),
    "zone": ({"time_zone": "Mars/Olympus"}, InvalidInput, "no time zone"),
    "zone file": ({"time_zone": "../../etc/passwd"}, InvalidInput, "no time zone"),
    "no token": ({"token": None}, InvalidInput, "which token"),
    "two tokens": ({"token": Given(SecretStr(TOKEN), "DS_TOKEN")}, InvalidInput, "which token"),
    "empty token": ({"token": Given(SecretStr("\n"))}, InvalidInput, "that is no token"),
    "two lines": ({"token": Given(SecretStr(f"{TOKEN}\n{OTHER}"))}, InvalidInput, "that is no token"),
    "variable": ({"token": Given(variable="A-B")}, InvalidInput, "no name of a variable"),
    "not set": ({"token": Given(variable="NOBODY")}, InvalidInput, "the variable NOBODY is not set"),
    "ours": ({"token": Given(variable="WFGOV_SECRET_KEY")}, InvalidInput, "a setting of ours"),
    "wrong token": ({"token": Given(SecretStr(OTHER))}, EngineRejected, "does not take our token"),
    "embedded url": ({"kind": "embedded", "token": None}, InvalidInput, "no URL and no token"),
    "embedded token": ({"kind": "embedded", "url": None}, InvalidInput, "no URL and no token"),
}


def test_what_cannot_be_used_is_refused_on_record_and_leaves_nothing(small: Case) -> None:
    for told, kind, word in REFUSED.values():
        before = len(small.audit())
        with pytest.raises(kind, match=word) as caught:
            small.add(**told)
        assert caught.value.hint, word
        (entry,) = small.audit()[before:]
        assert (entry[0], entry[2]) == ("register_engine", "refused")
        assert TOKEN not in str(entry) + caught.value.sentence()
        assert OTHER not in str(entry) + caught.value.sentence()
    assert small.names() == ["embedded"]


def test_everything_that_has_to_be_put_right_is_said_at_once(small: Case) -> None:
    problems = ("tenant etl is not there: make it under Security", "worker group x is not there")
    small.server.report = ProbeReport("3.1.1", "3.1", (), None, ("read",), problems=problems)
    with pytest.raises(EngineRejected, match="make it under Security; worker group x") as caught:
        small.add()
    assert caught.value.hint
    assert small.names() == ["embedded"]


def test_an_engine_that_cannot_be_reached_is_not_registered(small: Case) -> None:
    def down(_token: str) -> EngineUnreachable:
        return EngineUnreachable("connection refused", where=URL)

    small.server.tokens, small.server.says = [], down
    with pytest.raises(EngineUnreachable):
        small.add()
    assert small.names() == ["embedded"]


def test_another_embedded_engine_needs_neither_url_nor_token(small: Case) -> None:
    small.server.tokens = [""]
    small.add("second", kind="embedded", url=None, token=None, project=None)
    assert small.names() == ["embedded", "second"]
    assert small.row("second")["project"] == "default"


# --- test, token ---------------------------------------------------------------------------------


def test_what_is_odd_about_an_engine_is_a_warning(case: Case) -> None:
    case.add()
    assert try_engine(case.desk, "ann", "ds").warnings == ()
    case.server.report = ProbeReport("3.2.2", "3.2", (), -90.0, ("read", "write"), ("user bob changed w1",))
    tried = try_engine(case.desk, "ann", "ds")
    assert [line.split(":")[0] for line in tried.warnings] == [
        "foreign writer",
        "its clock is 90 s behind ours",
        "it speaks dialect 3.2, and 3.1 is what we use",
    ]
    assert (case.row()["family"], tried.pinned) == ("3.1", False)
    assert try_engine(case.desk, "ann", "ds", pin=True).pinned
    assert case.row()["family"] == "3.2"
    assert case.audit()[-1][3] == {"before": "3.1", "after": "3.2"}
    assert case.server.asked == [("ds", True), ("ds", False), ("ds", False), ("ds", False)]
    with pytest.raises(NotFound, match="no engine 'nobody'"):
        try_engine(case.desk, "ann", "nobody")


def test_a_token_that_goes_over_the_network_in_clear_is_told(small: Case) -> None:
    small.add(url="http://ds.example.com:12345/dolphinscheduler")
    (warning,) = try_engine(small.desk, "ann", "ds").warnings
    assert "unencrypted" in warning


def test_a_lost_key_is_healed_by_the_token(small: Case, tmp_path: Path) -> None:
    file = tmp_path / "own.key"
    small.desk = Desk(small.store, credentials(None, file), small.server.probe_of)
    small.add()
    file.unlink()
    with pytest.raises(CredentialMissing, match="the key is not there"):
        try_engine(small.desk, "ann", "ds")
    replace_token(small.desk, "ann", "ds", GIVEN)
    assert try_engine(small.desk, "ann", "ds").report == FINE
    assert small.audit()[-1][:3] == ("replace_token", "ds", "done")


def test_a_new_token_is_tried_before_it_takes_the_place_of_the_old(small: Case) -> None:
    small.add()
    before = small.row()
    with pytest.raises(EngineRejected, match="does not take our token"):
        replace_token(small.desk, "ann", "ds", Given(SecretStr(OTHER)))
    with pytest.raises(InvalidInput, match="which token"):
        replace_token(small.desk, "ann", "ds", Given())
    with pytest.raises(InvalidInput, match="take no token"):
        replace_token(small.desk, "ann", "embedded", GIVEN)
    assert small.row() == before
    small.server.tokens = [OTHER]
    replace_token(small.desk, "ann", "ds", Given(SecretStr(OTHER)))
    assert try_engine(small.desk, "ann", "ds").report == FINE
    assert [entry[2] for entry in small.audit()[-4:]] == ["refused", "refused", "refused", "done"]
    assert OTHER not in str(small.audit())


def test_a_token_is_not_sent_to_an_address_that_somebody_wrote_into_the_database(small: Case) -> None:
    small.add()
    with small.database.write() as conn:
        conn.execute(sa.update(engine).where(engine.c.name == "ds").values(url="http://evil:12345"))
    with pytest.raises(CredentialMissing, match="another name or URL"):
        try_engine(small.desk, "ann", "ds")


# --- remove --------------------------------------------------------------------------------------


def test_an_engine_without_history_is_gone_and_its_name_is_free(case: Case) -> None:
    case.add()
    removed = remove_engine(case.store, "ann", "ds", "embedded")
    assert (removed.kept, removed.left, case.names()) == (False, 0, ["embedded"])
    case.add()


def with_second(case: Case) -> None:
    """An engine `second`, on which workflow w is deployed. Every engine is the same one underneath."""
    with case.store.write() as work:
        work.engines.add(NewEngine("second", "embedded", "ann"))
    case.office.save(a_definition())
    assert case.office.drive(case.office.ask("deploy", engine="second")).status == "success"


def test_what_hangs_on_an_engine_keeps_it_and_is_told_with_what_to_do(case: Case) -> None:
    with_second(case)
    office, store = case.office, case.store

    def refused(word: str, hint: str) -> None:
        with pytest.raises(Conflict, match=word) as caught:
            remove_engine(store, "ann", "second", "embedded")
        assert hint in caught.value.hint

    name_engine(store, "ann", "w", "second", "embedded")
    refused("workflows name it: w", "wfgov workflow engine CODE")
    name_engine(store, "ann", "w", None, "embedded")
    assert office.drive(office.ask("online", engine="second")).status == "success"
    refused("workflows are online there: w", "--operation offline --engine second")
    offline = office.ask("offline", engine="second")
    refused("publish records 3 have not ended", "wfgov record list --engine second")
    assert office.drive(offline).status == "success"
    request_change_set(store, "ann", WantedSet(Operation.ONLINE, "second", ["w"], OnFailure.STOP))
    refused("change sets 1 have not ended", "wfgov change-set cancel")
    with pytest.raises(Conflict, match="always there"):
        remove_engine(store, "ann", "embedded", "second")
    with pytest.raises(Conflict, match="always there") as caught:
        remove_engine(store, "ann", "second", "second")
    assert "WFGOV_DEFAULT_ENGINE" in caught.value.hint
    with pytest.raises(NotFound):
        remove_engine(store, "ann", "nobody", "embedded")
    assert [entry[2] for entry in case.audit()[-3:]] == ["refused"] * 3


def test_an_engine_with_history_keeps_its_row_and_its_name_without_its_token(case: Case) -> None:
    with_second(case)
    with case.store.write() as work:
        work.engines.set_credential(engines.get(work, "second").id, "sealed", "v1:x:y")
    removed = remove_engine(case.store, "ann", "second", "embedded")
    assert (removed.kept, removed.left, case.names()) == (True, 1, ["embedded"])
    assert (case.row("second")["credential_ref"], case.row("second")["credential_sealed"]) == (None, None)
    with case.store.read() as work:
        assert work.publishing.job(1).engine.name == "second"
    with pytest.raises(Conflict, match="the name is taken"):
        case.add("second")
    with pytest.raises(NotFound, match="no engine 'second'"):
        case.office.ask("deploy", engine="second")


# --- a workflow's engine -------------------------------------------------------------------------


def test_told_wins_over_named_and_named_over_default(case: Case) -> None:
    with_second(case)
    case.office.save(a_definition("x"))
    store = case.store
    assert engine_for(store, "w", None, "embedded") == "embedded"
    named = name_engine(store, "ann", "w", "second", "embedded")
    assert (named.before, named.engine, list(named.stays)) == (None, "second", [])
    assert engine_for(store, "w", None, "embedded") == "second"
    assert engine_for(store, "w", "embedded", "embedded") == "embedded"
    assert engine_for(store, "nobody", "", "embedded") == "embedded"
    assert engine_for_all(store, ["w"], None, "embedded") == "second"
    assert engine_for_all(store, ["w", "x"], "embedded", "embedded") == "embedded"
    assert engine_for_all(store, [], None, "embedded") == "embedded"
    with pytest.raises(InvalidInput, match="several engines: 1 on embedded, 1 on second"):
        engine_for_all(store, ["w", "x", "x"], None, "embedded")
    back = name_engine(store, "ann", "w", None, "embedded")
    assert [(one.engine, one.version_no, one.online) for one in back.stays] == [("second", 1, False)]
    assert [entry[3]["after"] for entry in case.audit()[-2:]] == ["second", None]
    entries = len(case.audit())
    name_engine(store, "ann", "w", None, "embedded")
    assert len(case.audit()) == entries, "what it names already is no change"


def test_all_changed_are_the_workflows_of_the_engine(case: Case) -> None:
    with_second(case)
    for code in "xyz":
        case.office.save(a_definition(code))
    name_engine(case.store, "ann", "x", "second", "embedded")
    name_engine(case.store, "ann", "y", "embedded", "embedded")
    case.office.save(a_definition("w", "echo 2"))

    def changed(engine: str, default: str) -> list[str]:
        with case.store.read() as work:
            return list(all_changed(work, engine, default=default))

    assert changed("embedded", "embedded") == ["w", "y", "z"]
    assert changed("second", "embedded") == ["w", "x"], "w was deployed there, and names none"
    assert changed("second", "second") == ["w", "x", "z"]
    name_engine(case.store, "ann", "w", "embedded", "embedded")
    assert changed("second", "embedded") == ["x"]


@pytest.mark.parametrize("by", ["record", "set"])
def test_a_workflow_keeps_its_engine_while_a_publish_is_open(case: Case, by: str) -> None:
    with_second(case)
    if by == "record":
        case.office.ask("online")
    else:
        request_change_set(case.store, "ann", WantedSet(Operation.DEPLOY, "embedded", ["w"]))
    with pytest.raises(Conflict, match="has not ended") as caught:
        name_engine(case.store, "ann", "w", "second", "embedded")
    assert caught.value.hint
    assert case.audit()[-1][:3] == ("name_engine", "w", "refused")
    name_engine(case.store, "ann", "w", None, "embedded")
    for code, name in (("nobody", "second"), ("w", "nobody")):
        with pytest.raises(NotFound):
            name_engine(case.store, "ann", code, name, "embedded")
