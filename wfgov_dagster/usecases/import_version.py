"""An exported version comes in: as the first one of a new workflow, or as the next one of a workflow that is here.

All of it is one transaction. A version that was read from an export is a baseline: one can always go back to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from wfgov_dagster.domain import cron, extra, snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import SUMMARY_LIMIT, Diff, diff, summary
from wfgov_dagster.domain.export import Exported
from wfgov_dagster.domain.todo import MANUAL, VERSIONS, workflow_key
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.errors import Conflict, InvalidInput
from wfgov_dagster.ports.adoption import NewWorkflow
from wfgov_dagster.ports.metadata import DependencyDeclaration
from wfgov_dagster.ports.pins import Pin
from wfgov_dagster.ports.publishing import GovernedWorkflow
from wfgov_dagster.ports.store import Store, Todo, Work
from wfgov_dagster.usecases.new_versions import NewVersion, save_drafts
from wfgov_dagster.usecases.pin import put_pin, recorded
from wfgov_dagster.usecases.stated import first_version, stated

REASON: Final = "imported"


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """`state`: what comes of it. `diff`: against the current version. `pins`: the metadata here say something else, so
    orchestration may only propose that."""

    state: Literal["new workflow", "new version", "same content"]
    exported: Exported
    current_version_no: int | None
    diff: Diff
    pins: bool
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Imported:
    """`version` None: the content is the current version's, nothing was written."""

    plan: ImportPlan
    version: NewVersion | None
    pin: Pin | None


def preview_import(store: Store, exported: Exported, onto: int | None = None) -> ImportPlan:
    """What `import_version` would do now; nothing is written. Raises Conflict."""
    with store.read() as work:
        return _plan(work, work.publishing.workflow(exported.workflow_code), exported, onto)


def import_version(store: Store, actor: str, exported: Exported, onto: int | None = None) -> Imported:
    """`onto`: the version that is current here, and that somebody has looked at; None = the one that the export was
    made upon. Raises Conflict when it does not fit; a refusal is on record too."""
    detail = {"content_hash": exported.content_hash, "origin": exported.origin, "onto": onto}
    about = ("import_version", exported.workflow_code)
    return recorded(store, actor, about, lambda work: _import(work, actor, exported, onto), detail)


def _import(work: Work, actor: str, exported: Exported, onto: int | None) -> Imported:
    work.adoption.lock()
    workflow = work.publishing.workflow(exported.workflow_code, lock=True)
    plan = _plan(work, workflow, exported, onto)
    if plan.state == "same content":
        return Imported(plan, None, None)
    if workflow is None:
        workflow_id, made = _create(work, actor, exported)
    else:
        workflow_id, made = workflow.id, _add(work, actor, workflow, plan)
    pin = _pin(work, actor, workflow_id, exported) if plan.pins else None
    work.derivation.add_todo(VERSIONS, [Todo(workflow_key(exported.workflow_code), 0, MANUAL)])
    told = {"version_no": made.version_no, "content_hash": made.content_hash, "origin": exported.origin}
    told |= {} if pin is None else {"pinned": pin.reason}
    work.audit.add(actor, "import_version", ("workflow", exported.workflow_code), told)
    return Imported(plan, made, pin)


# what would come of it


def _plan(work: Work, workflow: GovernedWorkflow | None, exported: Exported, onto: int | None) -> ImportPlan:
    definition = exported.definition
    warnings = [*_warnings(definition), *_lost_waits(definition)]
    if workflow is None:
        _refuse_onto(exported, onto)
        _refuse_known(work, definition)
        return ImportPlan(
            "new workflow", exported, None, diff(None, definition), bool(definition.cross_edges), warnings
        )
    before = work.versions.latest_definitions([workflow.id]).get(workflow.id)
    number = None if workflow.current is None else workflow.current.version_no
    found = diff(None if before is None else before.definition, definition)
    if workflow.current is not None and workflow.current.content_hash == exported.content_hash:
        return ImportPlan("same content", exported, number, found, False, ())
    _refuse_misfit(workflow, exported, onto)
    _refuse_elsewhere(work, definition)
    return ImportPlan("new version", exported, number, found, not _says_the_same(work, workflow, exported), warnings)


def _says_the_same(work: Work, workflow: GovernedWorkflow, exported: Exported) -> bool:
    """Whether the metadata here would make the same content."""
    document = work.versions.current_documents([workflow.id]).get(workflow.id)
    return document is not None and snapshot.digest(document.encode()) == exported.content_hash


def _warnings(definition: Definition) -> list[str]:
    told = list(extra.nameless(definition))
    if definition.settings.schedule is not None:
        try:
            cron.check_schedule(definition.settings.schedule)
        except InvalidInput as exc:
            told.append(f"its schedule is kept as it is, but {exc}")
    return told


def _lost_waits(definition: Definition) -> list[str]:
    return [
        f"{one.task} waits for {one.upstream_workflow}/{one.upstream_task}: that is no confirmed edge of this "
        "installation, and what is derived here is without it"
        for one in definition.cross_edges
    ]


# what speaks against it


def _refuse_onto(exported: Exported, onto: int | None) -> None:
    if onto is not None:
        where = f"workflow {exported.workflow_code}"
        raise Conflict(f"there is no V{onto} to put it on: it is not here yet", where=where, hint="without --onto")


def _refuse_known(work: Work, definition: Definition) -> None:
    """A task that is here already would have two texts, and may be in a workflow."""
    places = work.memberships.places([task.code for task in definition.tasks])
    if not places:
        return
    told = [f"{code} ({'in ' + one.workflow_code if one.workflow_code else 'in none'})" for code, one in places.items()]
    raise Conflict(
        f"tasks of it are here already: {', '.join(told[:20])}",
        where=f"workflow {definition.code}",
        hint=f"declare {definition.code} as their workflow and orchestrate, then import it onto what is there",
    )


def _refuse_misfit(workflow: GovernedWorkflow, exported: Exported, onto: int | None) -> None:
    where, current = f"workflow {workflow.code}", workflow.current
    if workflow.status == "archived":
        raise Conflict("it is archived", where=where, hint="only offline is possible")
    if current is None or onto == current.version_no:
        return
    if onto is not None:
        hint = f"wfgov version diff {workflow.code} {onto} {current.version_no}"
        raise Conflict(f"V{current.version_no} is current, not V{onto}", where=where, hint=hint)
    if exported.based_on != current.content_hash:
        upon = "nothing" if exported.based_on is None else exported.based_on
        raise Conflict(
            f"it was made upon other content than V{current.version_no} has here ({upon})",
            where=where,
            hint=f"look with --dry-run --onto {current.version_no}; the same without --dry-run imports it all the same",
        )


def _refuse_elsewhere(work: Work, definition: Definition) -> None:
    """A version here names tasks that the metadata here place in its workflow."""
    places = work.memberships.places([task.code for task in definition.tasks])
    unknown = [task.code for task in definition.tasks if task.code not in places]
    elsewhere = [
        f"{code} is in {one.workflow_code or 'none'}"
        for code, one in places.items()
        if one.workflow_code != definition.code
    ]
    told = [f"not here: {', '.join(unknown[:20])}"] if unknown else []
    told += [", ".join(elsewhere[:20])] if elsewhere else []
    if told:
        raise Conflict(
            f"tasks of it are not in the workflow: {'; '.join(told)}",
            where=f"workflow {definition.code}",
            hint="bring them into the metadata with this workflow declared, orchestrate, then import it",
        )


# what is written


def _create(work: Work, actor: str, exported: Exported) -> tuple[int, NewVersion]:
    definition = exported.definition
    source = f"export:{definition.code}"[:90]
    dependencies = [DependencyDeclaration(post, pre, REASON) for pre, post in definition.edges]
    batch = stated(definition, definition.tasks, dependencies)
    work.imports.merge(source, batch, without=frozenset(), removing=False)
    settings = definition.settings
    told = NewWorkflow(settings.code, settings.name, settings.description)
    codes = [task.code for task in definition.tasks]
    workflow_id = work.adoption.create(actor, told, codes, f"import:{source}")
    return workflow_id, first_version(work, actor, workflow_id, definition, REASON, exported.origin)


def _add(work: Work, actor: str, workflow: GovernedWorkflow, plan: ImportPlan) -> NewVersion:
    definition = plan.exported.definition
    draft = Draft(
        workflow.id,
        definition,
        snapshot.hashes(definition),
        f"{REASON}: {summary(plan.diff, {})}"[:SUMMARY_LIMIT],
        MANUAL,
        work.versions.inter_workflow_edges([workflow.id]).get(workflow.id, ()),
        touched=plan.diff.touched(),
        imported_from=plan.exported.origin,
    )
    (made,) = save_drafts(work, actor, [draft])
    return made


def _pin(work: Work, actor: str, workflow_id: int, exported: Exported) -> Pin:
    """One that is there stays: somebody had a reason."""
    known = work.pins.of(workflow_id)
    if known is not None and work.pins.in_force([workflow_id]):
        return known
    pin = Pin(f"{REASON}: {exported.origin}", actor, None)
    put_pin(work, workflow_id, pin)
    return pin
