"""Which versions a clean-up leaves: rules for every workflow and for single ones, and names that people give."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from wfgov_dagster.domain.retention import Rule, RuleChange
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.retention import RuleRow, TagRow
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases.show_workflows import unknown_workflow

EVERY: Final = ""  # workflow code of the rule for every workflow
_LONGEST_TAG: Final = 100


@dataclass(frozen=True, slots=True)
class RulesShown:
    """`rule`: what counts, for the workflow or for those that have no word of their own; `said`: what leads to it."""

    workflow_code: str | None
    rule: Rule
    said: Sequence[RuleRow]


def show_rules(store: Store, workflow_code: str | None) -> RulesShown:
    """Raises NotFound."""
    with store.read() as work:
        if workflow_code is not None:
            _known(work, workflow_code)
        said = work.retention.rules()
        rule = work.retention.rule(workflow_code or EVERY)
    if workflow_code is not None:
        said = [one for one in said if one.workflow_code in {EVERY, workflow_code}]
    return RulesShown(workflow_code, rule, said)


def set_rule(store: Store, actor: str, workflow_code: str | None, said: RuleChange) -> RulesShown:
    """`workflow_code` None = for every workflow. Raises NotFound, InvalidInput; a refusal is on record."""
    try:
        said.check()
        if not said:
            raise InvalidInput("nothing is said", where="retention", hint="--keep-last, --keep-days …")
        with store.write() as work:
            if workflow_code is not None:
                _known(work, workflow_code)
            work.retention.set_rule(workflow_code or EVERY, said, actor)
            work.audit.add(actor, "set_retention", _subject(workflow_code), asdict(said))
    except (InvalidInput, NotFound) as refusal:
        _refused(store, actor, "set_retention", workflow_code, asdict(said) | {"error": refusal.sentence()})
        raise
    return show_rules(store, workflow_code)


def unset_rule(store: Store, actor: str, workflow_code: str | None) -> RulesShown:
    """The workflow has no word of its own any more; None = the defaults count for every other one. Raises NotFound."""
    try:
        with store.write() as work:
            if not work.retention.unset_rule(workflow_code or EVERY):
                where = "every workflow" if workflow_code is None else f"workflow {workflow_code}"
                raise NotFound("no retention rule", where=where, hint="wfgov retention show")
            work.audit.add(actor, "unset_retention", _subject(workflow_code), {})
    except NotFound as refusal:
        _refused(store, actor, "unset_retention", workflow_code, {"error": refusal.sentence()})
        raise
    return show_rules(store, workflow_code)


# --- tags ----------------------------------------------------------------------------------------


def list_tags(store: Store, workflow_code: str) -> Sequence[TagRow]:
    """By name. Raises NotFound."""
    with store.read() as work:
        return work.retention.tags(_known(work, workflow_code))


def tag_version(store: Store, actor: str, workflow_code: str, version_no: int, tag: str) -> Sequence[TagRow]:
    """A tag names one version of a workflow; one that another version has moves. Raises NotFound, InvalidInput, or
    Conflict for a version that a clean-up has removed; a refusal is on record."""
    detail: dict[str, object] = {"tag": tag, "version_no": version_no}
    try:
        if not tag.strip() or len(tag) > _LONGEST_TAG or not tag.isprintable():
            hint = f"1 to {_LONGEST_TAG} printable characters"
            raise InvalidInput(f"{tag!r:.120} is no tag", where=f"workflow {workflow_code}", hint=hint)
        with store.write() as work:
            workflow_id = _known(work, workflow_code, lock=True)
            before = work.retention.tag(workflow_id, tag, _version(work, workflow_code, version_no), actor)
            work.audit.add(actor, "tag_version", _subject(workflow_code), detail | {"before": before})
            return work.retention.tags(workflow_id)
    except (InvalidInput, NotFound, Conflict) as refusal:
        _refused(store, actor, "tag_version", workflow_code, detail | {"error": refusal.sentence()})
        raise


def untag_version(store: Store, actor: str, workflow_code: str, tag: str) -> Sequence[TagRow]:
    """Raises NotFound; a refusal is on record."""
    try:
        with store.write() as work:
            workflow_id = _known(work, workflow_code, lock=True)
            if not work.retention.untag(workflow_id, tag):
                hint = f"wfgov tag list {workflow_code}"
                raise NotFound(f"no tag {tag!r:.120}", where=f"workflow {workflow_code}", hint=hint)
            work.audit.add(actor, "untag_version", _subject(workflow_code), {"tag": tag})
            return work.retention.tags(workflow_id)
    except NotFound as refusal:
        _refused(store, actor, "untag_version", workflow_code, {"tag": tag, "error": refusal.sentence()})
        raise


def _known(work: Work, workflow_code: str, *, lock: bool = False) -> int:
    found = work.publishing.workflow(workflow_code, lock=lock)
    if found is None:
        raise unknown_workflow(workflow_code)
    return found.id


def _version(work: Work, workflow_code: str, version_no: int) -> int:
    version = work.publishing.version(_known(work, workflow_code), version_no)
    where, hint = f"workflow {workflow_code}", f"wfgov version list {workflow_code}"
    if version is None:
        raise NotFound(f"no version V{version_no}", where=where, hint=hint)
    if not work.retention.is_there(version.id):
        raise Conflict(f"V{version_no} was removed by a clean-up", where=where, hint=hint)
    return version.id


def _subject(workflow_code: str | None) -> tuple[str, str]:
    return "workflow", workflow_code or EVERY


def _refused(store: Store, actor: str, action: str, workflow_code: str | None, detail: dict[str, object]) -> None:
    with store.write() as work:
        work.audit.add(actor, action, _subject(workflow_code), detail, refused=True)
