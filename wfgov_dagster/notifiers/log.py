"""Alerts as a log: a line on stderr, and one in a file that outlives the process."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson

from wfgov_dagster.domain.alert import Alert, links_on
from wfgov_dagster.errors import NotDelivered
from wfgov_dagster.logs import Redaction


class LogNotifier:
    """`file`: JSON lines, one an alert; `say`: the log."""

    name = "log"

    def __init__(self, file: Path, webserver_url: str, filter_: Redaction, say: Callable[..., object]) -> None:
        self._file, self._webserver_url, self._filter, self._say = file, webserver_url, filter_, say

    def notify(self, alert: Alert, count: int) -> None:
        links = links_on(alert.links, self._webserver_url)
        told = {
            **asdict(alert),
            "links": links,
            "at": None if alert.at is None else alert.at.isoformat(),
            "count": count,
        }
        shown = self._filter.value({name: value for name, value in told.items() if value is not None})
        try:
            self._append(orjson.dumps(shown) + b"\n")
        except OSError as exc:
            hint = "see that the folder can be written and the disk is not full"
            raise NotDelivered(f"the log cannot be written: {exc}", where=str(self._file), hint=hint) from exc
        assert isinstance(shown, dict), "a mapping is redacted to a mapping"
        self._say(event="alert", **shown)

    def _append(self, line: bytes) -> None:
        """Under a lock: a line of several pages is seen half written. One that a killed process left is ended first."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END) and _last_byte(file.fileno()) != b"\n":
                line = b"\n" + line
            if file.write(line) != len(line):
                raise OSError("only a part of the line was written")


def _last_byte(number: int) -> bytes:
    return os.pread(number, 1, os.fstat(number).st_size - 1)
