"""A version leaves for another installation, or for somebody to read. No secret leaves with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.export import Exported
from wfgov_dagster.domain.export_report import report
from wfgov_dagster.domain.leaks import looks_secret, places
from wfgov_dagster.domain.redact import redact
from wfgov_dagster.errors import Forbidden, InvalidInput, StoreError
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.show_versions import VersionStore, list_versions, show_version

_SHOWN = 10


class Secrets(Protocol):
    def known(self, text: str) -> str:
        """The text with `***` in place of every secret that this installation holds."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who says that what looks like a secret is none."""

    store: Store
    actor: str


def export_version(store: VersionStore, workflow_code: str, version_no: int | None) -> Exported:
    """`version_no` None: the one that was published last. Raises NotFound, or StoreError when the logs no longer give
    what was signed."""
    shown = show_version(store, workflow_code, version_no)
    row, definition = shown.row, shown.definition
    if snapshot.hashes(definition).content != row.content_hash:
        raise StoreError(
            f"V{row.version_no} cannot be rebuilt: its content is not what was signed",
            where=f"workflow {workflow_code}",
            hint="restore the database, or export another version",
        )
    earlier = [one for one in list_versions(store, workflow_code) if one.version_no < row.version_no]
    return Exported(
        workflow_code,
        row.version_no,
        row.content_hash,
        row.functional_hash,
        earlier[-1].content_hash if earlier else None,
        row.change_summary,
        row.trigger_source,
        row.created_by,
        row.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        row.rollback_of,
        row.published,
        definition,
    )


def check_export(exported: Exported, secrets: Secrets, vouched: Vouched | None = None) -> None:
    """Before a whole document leaves. Raises Forbidden for a secret that this installation holds, InvalidInput for what
    looks like one unless somebody vouches, which is on record."""
    where = f"workflow {exported.workflow_code} V{exported.version_no}"
    if held := list(places(exported.definition, _is_in(secrets))):
        raise Forbidden(
            f"it holds a secret of this installation: {_listed(held)}",
            where=where,
            hint="take it out of the definition; change the secret, it is in every older version too",
        )
    suspects = list(places(exported.definition, looks_secret))
    if not suspects:
        return
    if vouched is None:
        raise InvalidInput(
            f"it looks as if secrets would leave: {_listed(suspects)}",
            where=where,
            hint="let ${name} or a data source bring them in; if they are none: --vouch",
        )
    with vouched.store.write() as work:
        detail = {
            "version_no": exported.version_no,
            "content_hash": exported.content_hash,
            "vouched": suspects[:_SHOWN],
        }
        work.audit.add(vouched.actor, "export_version", ("workflow", exported.workflow_code), detail)


def readable(exported: Exported, secrets: Secrets) -> Iterator[str]:
    """The report's lines, without what is or looks like a secret."""
    return (redact(secrets.known(line)) for line in report(exported))


def _is_in(secrets: Secrets) -> Callable[[str], bool]:
    return lambda text: secrets.known(text) != text


def _listed(found: list[str]) -> str:
    more = f" … and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
