"""Dagster's GraphQL over HTTP: the three questions that we ask. Sources: its schema, release 1.13."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from wfgov_dagster.errors import Conflict, InvalidInput

ENDED: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
LOCATION: Final = "wfgov"
_REPOSITORY: Final = "__repository__"  # what Dagster calls the one of a Definitions object
_TIMEOUT_SECONDS: Final = 10.0

_HOME = "{ instance { info } }"
_STATUS = "query ($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }"
_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on PythonError { message } } }"""
_LOADED = """query ($location: String!, $name: String!) {
  repositoryOrError(repositorySelector: {repositoryLocationName: $location, repositoryName: $name}) { __typename } }"""
_RELOAD = "mutation ($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"
_RELOAD_SECONDS: Final = 30.0


class Webserver:
    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/graphql"

    def serves(self, home: Path) -> bool:
        """Whether one answers there, and for this DAGSTER_HOME: another installation may have the port."""
        try:
            return str(home) in str(self._ask(_HOME, {}))
        except Conflict:
            return False

    def launch(self, job: str, config: Mapping[str, object], tags: Mapping[str, str]) -> str:
        """The run id. Raises InvalidInput for a config that the job does not take, Conflict for anything else."""
        params = {
            "selector": {"repositoryLocationName": LOCATION, "repositoryName": _REPOSITORY, "jobName": job},
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        said = self._ask(_LAUNCH, {"params": params})["launchRun"]
        match said["__typename"]:
            case "LaunchRunSuccess":
                return str(said["run"]["runId"])
            case "RunConfigValidationInvalid":
                raise InvalidInput("; ".join(error["message"] for error in said["errors"]), where=f"job {job}")
            case other:
                raise Conflict(f"{other}: {said.get('message', 'not launched')}", where=f"job {job}")

    def status(self, run_id: str) -> str | None:
        """Dagster's word; None for an unknown run."""
        said = self._ask(_STATUS, {"id": run_id})["runOrError"]
        return str(said["status"]) if said["__typename"] == "Run" else None

    def loaded(self) -> bool:
        """Whether it answers, and shows our definitions."""
        try:
            said = self._ask(_LOADED, {"location": LOCATION, "name": _REPOSITORY})
        except Conflict:
            return False
        return bool(said["repositoryOrError"]["__typename"] == "Repository")

    def reload(self) -> None:
        """Load the definitions anew, for whoever looks at them."""
        self._ask(_RELOAD, {"name": LOCATION}, _RELOAD_SECONDS)

    def _ask(
        self, query: str, variables: Mapping[str, object], timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        """The one door: whatever is no answer of Dagster's is Conflict."""
        try:
            asked = {"query": query, "variables": variables}
            answer = httpx.post(self._url, json=asked, timeout=timeout_seconds, trust_env=False)  # it is our own host
            said = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as exc:
            raise Conflict(f"no answer from Dagster's webserver: {exc}", where=self._url, hint="wfgov up") from exc
        if said.get("errors"):
            raise Conflict(str(said["errors"][0].get("message")), where=self._url)
        found: dict[str, Any] = said["data"]
        return found
