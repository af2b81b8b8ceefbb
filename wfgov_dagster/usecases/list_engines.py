"""Registered engines, as a list."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.ports.store import Store


@dataclass(frozen=True, slots=True)
class EngineRow:
    """`credential`: where the token is, never what it is. `workflows` name it; `deployed` were confirmed there."""

    name: str
    kind: str
    url: str | None
    project: str
    tenant: str | None
    worker_group: str | None
    time_zone: str | None
    family: str | None
    credential: str | None
    default: bool
    workflows: int
    deployed: int
    created_by: str | None


def list_engines(store: Store, default: str) -> Sequence[EngineRow]:
    """By name. `default`: the setting default_engine; the embedded engine is listed once it was used."""
    with store.read() as work:
        return [
            EngineRow(
                one.name, one.kind, one.url, one.project, one.tenant, one.worker_group, one.time_zone, one.family,
                one.credential_ref, one.name == default, len(use.named_by), len(use.deployed), one.created_by,
            )
            for one in work.publishing.engines()
            for use in (work.engines.use(one.id),)
        ]  # fmt: skip
