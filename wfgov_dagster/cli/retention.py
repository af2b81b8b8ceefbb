"""wfgov retention …, wfgov tag …"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import retention_group, tag_group
from wfgov_dagster.cli.output import Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import VersionNumber

if TYPE_CHECKING:
    from wfgov_dagster.ports.retention import TagRow
    from wfgov_dagster.usecases.retention_rules import RulesShown

_CODE = click.argument("code", metavar="CODE")
_MAYBE = click.argument("code", metavar="[CODE]", required=False)
_TAG = ("tag", "version", "tagged_by", "tagged_at")
_RULE = ("workflow", "keep_last", "keep_days", "keep_tagged", "keep_published", "set_by", "set_at")


@command(retention_group, "show")
@_MAYBE
def show_command(session: Session, code: str | None) -> None:
    """Show which versions a clean-up leaves: what counts for a workflow, or for every one, and who said so."""
    from wfgov_dagster.usecases.retention_rules import show_rules

    _put(session, show_rules(session.platform.store, code))


@command(retention_group, "set")
@_MAYBE
@click.option("--keep-last", type=int, metavar="N", help="So many newest versions stay.")
@click.option("--keep-days", type=int, metavar="D", help="What is younger stays; 0: none for that reason.")
@click.option("--keep-tagged/--no-keep-tagged", default=None, help="Whether a tag keeps a version.")
@click.option("--keep-published/--no-keep-published", default=None, help="Whether having been published does.")
def set_command(
    session: Session,
    code: str | None,
    keep_last: int | None,
    keep_days: int | None,
    keep_tagged: bool | None,
    keep_published: bool | None,
) -> None:
    """Say which versions a clean-up leaves, of one workflow or of every one that has no word of its own.

    What is not said stays as it is. A version goes when no part of the rule keeps it and nothing else protects it.
    """
    from wfgov_dagster.domain.retention import RuleChange
    from wfgov_dagster.usecases.retention_rules import set_rule

    said = RuleChange(keep_last, keep_days, keep_tagged, keep_published)
    _put(session, set_rule(session.platform.store, session.actor, code, said))


@command(retention_group, "unset")
@_MAYBE
def unset_command(session: Session, code: str | None) -> None:
    """Take back the word about a workflow, or the one about every workflow: then the defaults count."""
    from wfgov_dagster.usecases.retention_rules import unset_rule

    _put(session, unset_rule(session.platform.store, session.actor, code))


def _put(session: Session, shown: "RulesShown") -> None:
    rule = shown.rule
    counts = (
        ("workflow", shown.workflow_code or "every one without a word of its own"),
        ("keep last", rule.keep_last),
        ("keep days", rule.keep_days),
        ("keep tagged", rule.keep_tagged),
        ("keep published", rule.keep_published),
    )
    rows = [
        (one.workflow_code or "every one", said.keep_last, said.keep_days, said.keep_tagged, said.keep_published,
         one.set_by, one.set_at)
        for one in shown.said
        for said in (one.said,)
    ]  # fmt: skip
    session.put(shown, fields(counts), *([Table(_RULE, rows, title="Said")] if rows else []))


@command(tag_group, "list")
@_CODE
def list_tags_command(session: Session, code: str) -> None:
    """List the tags of a workflow's versions."""
    from wfgov_dagster.usecases.retention_rules import list_tags

    _put_tags(session, list_tags(session.platform.store, code))


@command(tag_group, "set")
@_CODE
@click.argument("number", metavar="N", type=VersionNumber())
@click.argument("tag", metavar="TAG")
def set_tag_command(session: Session, code: str, number: int, tag: str) -> None:
    """Give a version a name; a tag that another version of the workflow has moves."""
    from wfgov_dagster.usecases.retention_rules import tag_version

    _put_tags(session, tag_version(session.platform.store, session.actor, code, number, tag))


@command(tag_group, "remove")
@_CODE
@click.argument("tag", metavar="TAG")
def remove_tag_command(session: Session, code: str, tag: str) -> None:
    """Take a name off; the version that had it stays until a clean-up."""
    from wfgov_dagster.usecases.retention_rules import untag_version

    _put_tags(session, untag_version(session.platform.store, session.actor, code, tag))


def _put_tags(session: Session, found: "Sequence[TagRow]") -> None:
    rows = [(one.tag, f"V{one.version_no}", one.tagged_by, one.tagged_at) for one in found]
    session.put(found, Table(_TAG, rows) if rows else "no tag")
