"""The port `Runs`. Either way the run is in the history of the same DAGSTER_HOME."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping

from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.runs.home import DagsterHome
from wfgov_dagster.runs.webserver import ENDED, Webserver
from wfgov_dagster.settings import Settings

_LOOK_SECONDS = 0.5


class DagsterRuns:
    """`start` prefers the webserver, because it queues by the limits of dagster.yaml; a child process runs at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = DagsterHome(settings.root())
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, job: str, config: Mapping[str, object], tags: Mapping[str, str]) -> str:
        self._home.prepare()
        for child in self._children.values():
            child.poll()  # nobody may ever wait for it: whoever starts many leaves no zombies
        webserver = self._webserver()
        if webserver.serves(self._home.folder):
            return webserver.launch(job, config, tags)
        run_id = str(uuid.uuid4())
        self._children[run_id] = self._child(job, {"run_id": run_id, "config": config, "tags": tags})
        return run_id

    def wait(self, run_id: str, timeout_seconds: float) -> str:
        child = self._children.get(run_id)
        if child is None:
            return self._waited(run_id, timeout_seconds)
        try:
            code = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return "STARTED"
        del self._children[run_id]
        return "SUCCESS" if code == 0 else "FAILURE"

    def _webserver(self) -> Webserver:
        """Of `wfgov up` on this home, wherever it answers; else the one of the settings."""
        return Webserver(self._home.url() or self._settings.webserver_url)

    def _waited(self, run_id: str, timeout_seconds: float) -> str:
        end = time.monotonic() + timeout_seconds
        webserver = self._webserver()
        while True:
            status = webserver.status(run_id)
            if status is None:
                raise NotFound(f"no run {run_id}", where=self._settings.webserver_url)
            if status in ENDED or time.monotonic() >= end:
                return status
            time.sleep(_LOOK_SECONDS)

    def _child(self, job: str, asked: Mapping[str, object]) -> "subprocess.Popen[bytes]":
        """Its words go to a log file: what it says on stdout is nobody's result."""
        logs = self._settings.root() / "logs" / "runs"
        logs.mkdir(parents=True, exist_ok=True)
        try:
            with (logs / f"{asked['run_id']}.log").open("wb") as log:
                child = subprocess.Popen(
                    [sys.executable, "-m", "wfgov_dagster.execute", job],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._home.environment(), start_new_session=True,
                )  # fmt: skip
        except OSError as exc:
            raise Conflict(
                f"no process for the run: {exc}", where=f"job {job}", hint="wfgov up serves runs too"
            ) from exc
        assert child.stdin is not None
        with child.stdin as pipe:
            pipe.write(json.dumps(asked).encode())
        return child
