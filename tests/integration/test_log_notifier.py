"""Alerts in a log: one whole JSON line each, on stderr and in a file; and as the command line shows them."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from wfgov_dagster.domain.alert import Alert, AlertKind
from wfgov_dagster.errors import NotDelivered
from wfgov_dagster.logs import Redaction
from wfgov_dagster.notifiers.log import LogNotifier
from wfgov_dagster.settings import Settings
from wfgov_dagster.wiring import Platform

CANARY = "c4n4ry-8d1f0e"
LINKS = {"look": "wfgov record show 1", "run": "/runs/abc"}
ALERT = Alert(
    AlertKind.PUBLISH_FAILED, "record:1:failed:1", f"no: password={CANARY}", "订单", 3, "t", "deploy", "embedded",
    "engine_rejected", LINKS, datetime(2026, 5, 1, 12, tzinfo=UTC),
)  # fmt: skip


class Log:
    def __init__(self, folder: Path, name: str = "logs") -> None:
        self.file = folder / name / "alerts.jsonl"
        self.said: list[dict[str, object]] = []
        self.notifier = LogNotifier(self.file, "http://dagster:3000/", Redaction([CANARY]), self._say)

    def _say(self, **told: object) -> None:
        self.said.append(told)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.file.read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_an_alert_is_one_line_with_whole_links_and_without_secrets(log: Log) -> None:
    log.notifier.notify(ALERT, 4)
    told = {
        "kind": "publish_failed", "dedupe_key": "record:1:failed:1", "message": "no: password=***",
        "workflow_code": "订单", "version_no": 3, "task_code": "t", "step": "deploy", "engine": "embedded",
        "error_code": "engine_rejected", "links": {"look": "wfgov record show 1", "run": "http://dagster:3000/runs/abc"},
        "at": "2026-05-01T12:00:00+00:00", "count": 4,
    }  # fmt: skip
    assert log.lines() == [told]
    assert log.said == [{"event": "alert", **told}]


def test_a_line_that_somebody_was_killed_in_spoils_no_other(log: Log) -> None:
    log.file.parent.mkdir()
    log.file.write_bytes(b'{"kind": "publish_fai')
    log.notifier.notify(ALERT, 1)
    log.notifier.notify(ALERT, 2)
    broken, *whole = log.file.read_bytes().splitlines()
    assert broken == b'{"kind": "publish_fai'
    assert [json.loads(line)["count"] for line in whole] == [1, 2]


def test_lines_of_several_writers_do_not_mix(log: Log) -> None:
    """Of several pages each: whoever looks at the file's end meanwhile sees a part of one."""
    start, alert = threading.Barrier(8), replace(ALERT, message="no" * 8000)

    def write(number: int) -> None:
        start.wait()
        for _ in range(20):
            log.notifier.notify(alert, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(log.lines()) == 160


def test_a_log_that_cannot_be_written_is_not_delivered_and_says_where(tmp_path: Path) -> None:
    log = Log(tmp_path, "file")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NotDelivered, match="the log cannot be written") as refused:
        log.notifier.notify(ALERT, 1)
    assert "alerts.jsonl" in refused.value.where
    assert log.said == []


def test_the_platform_delivers_into_its_home_and_to_stderr(
    database_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path / "home", database_url=database_url)  # type: ignore[arg-type]
    with closing(Platform(settings)) as platform:
        with platform.store.write() as work:
            work.alerts.add(ALERT)
        assert platform.deliver_alerts().delivered == 1
        assert platform.deliver_alerts().delivered == 0
    (line,) = (tmp_path / "home" / "logs" / "alerts.jsonl").read_text().splitlines()
    (said,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["links"]["run"] == "http://127.0.0.1:3000/runs/abc"
    assert json.loads(said)["message"] == "no: password=***"
    for folder, _, files in os.walk(tmp_path):
        assert all(CANARY.encode() not in (Path(folder) / name).read_bytes() for name in files)


def test_alerts_are_listed_and_shown_delivered_or_not(database_url: str, tmp_path: Path) -> None:
    cli = Cli(database_url, tmp_path)
    settings = Settings(home=tmp_path, database_url=database_url)  # type: ignore[arg-type]
    with closing(Platform(settings)) as platform:
        for key, workflow in (("record:1:failed:1", "w"), ("record:2:failed:1", "w"), ("record:3:failed:1", "v")):
            with platform.store.write() as work:
                work.alerts.add(Alert(AlertKind.PUBLISH_FAILED, key, "no", workflow, 2, links=LINKS))
        (undelivered, _) = cli.json("alert", "list", "--undelivered")
        platform.deliver_alerts()

    newest, oldest = cli.json("alert", "list")
    assert (newest["workflow_code"], newest["state"], newest["count"]) == ("v", "delivered", 1)
    assert (oldest["workflow_code"], oldest["state"], oldest["count"]) == ("w", "delivered", 2)
    assert (undelivered["state"], undelivered["delivered_at"]) == ("waiting", None)
    assert cli.json("alert", "list", "--undelivered") == []
    shown = cli.json("alert", "show", str(oldest["id"]))
    assert shown["links"] == {"look": "wfgov record show 1", "run": "http://127.0.0.1:3000/runs/abc"}
    assert "wfgov record show 1" in cli.ok("alert", "show", str(oldest["id"]))
    assert "publish_failed" in cli.ok("alert", "list")
    refused = cli.run("alert", "show", "77")
    assert refused.exit_code == 1
    assert "no alert 77 — alerts — wfgov alert list" in refused.stderr


def test_a_traceback_in_the_command_lines_log_has_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot connect: postgresql://wfgov:{CANARY}@db/wfgov, {CANARY}")

    monkeypatch.setattr(Platform, "engine", explode)
    cli = Cli(f"postgresql://wfgov:{CANARY}@127.0.0.1:1/none", tmp_path)
    told = cli.run("instance", "list")
    assert told.exit_code == 1
    assert f"{CANARY}@" not in told.stderr
    log = (tmp_path / "logs" / "cli.log").read_text()
    assert "RuntimeError: cannot connect: postgresql://***@db/wfgov, ***" in log
    assert CANARY not in log
