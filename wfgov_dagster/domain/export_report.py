"""An exported version for people to read, in Markdown."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from wfgov_dagster.domain.definition import Definition, Settings, Task
from wfgov_dagster.domain.export import Exported

_TICKS: Final = re.compile("`+")
_LANGUAGES: Final = {"SQL": "sql", "SHELL": "sh", "PYTHON": "python"}


def report(exported: Exported) -> Iterator[str]:
    """Line by line."""
    definition = exported.definition
    yield f"# {_cell(exported.workflow_code)} V{exported.version_no}"
    yield ""
    yield from _table(("", ""), _facts(exported))
    yield from ("", "## Settings", "")
    yield from _table(("setting", "value"), _settings(definition.settings))
    yield from ("", f"## Tasks ({len(definition.tasks)})", "")
    yield from _table(
        ("task", "name", "node type", "data source", "waits for", "priority", "time-out", "retries"), _tasks(definition)
    )
    if definition.edges:
        yield from ("", f"## Edges ({len(definition.edges)})", "")
        yield from _table(("upstream", "downstream"), definition.edges)
    if definition.cross_edges:
        yield from ("", "## Waits for other workflows", "")
        waits = definition.cross_edges
        rows = ((f"{one.upstream_workflow}/{one.upstream_task}", one.task, one.window) for one in waits)
        yield from _table(("upstream", "task", "window"), rows)
    for task in definition.tasks:
        yield from _task(task)


def _facts(exported: Exported) -> Iterator[tuple[object, ...]]:
    yield "content hash", f"`{exported.content_hash}`"
    yield "functional hash", f"`{exported.functional_hash}`"
    yield "made by", exported.created_by
    yield "made at", exported.created_at
    yield "because of", exported.trigger_source
    yield "change", exported.change_summary
    if exported.rollback_of is not None:
        yield "rollback of", f"V{exported.rollback_of}"
    yield "published", "yes" if exported.published else "no"


def _settings(settings: Settings) -> Iterator[tuple[object, ...]]:
    yield "name", settings.name
    yield "description", settings.description
    schedule = settings.schedule
    yield "schedule", "none" if schedule is None else f"`{schedule.cron}` in {schedule.time_zone}"
    if schedule is not None and (schedule.start or schedule.end):
        yield "schedule lasts", f"from {schedule.start or 'ever'} until {schedule.end or 'for ever'}"
    yield "time-out", f"{settings.timeout} s" if settings.timeout else "none"
    yield "on failure", settings.failure_strategy
    yield "priority", settings.priority
    yield "worker group, tenant", f"{settings.worker_group}, {settings.tenant}"
    yield "environment", settings.environment or "-"
    yield from ((f"parameter {one.name}", f"{one.value} ({one.direction} {one.type})") for one in settings.parameters)
    yield from (("resource", one) for one in settings.resources)


def _tasks(definition: Definition) -> Iterator[tuple[object, ...]]:
    waits: dict[str, list[str]] = {task.code: [] for task in definition.tasks}
    for pre, post in definition.edges:
        waits[post].append(pre)
    for task in definition.tasks:
        retries = f"{task.retries}, after {task.retry_interval} s" if task.retries else "0"
        limit = f"{task.timeout} s" if task.timeout else "none"
        before = ", ".join(waits[task.code]) or "-"
        yield (task.code, task.name, task.node_type, task.datasource or "-", before, task.priority, limit, retries)


def _task(task: Task) -> Iterator[str]:
    yield from ("", f"## Task {_cell(task.code)}")
    if task.description:
        yield from ("", _cell(task.description))
    told = [f"- parameter {one.name}: {one.value} ({one.direction} {one.type})" for one in task.parameters]
    told += [f"- resource {one}" for one in task.resources] + [f"- flag {one}" for one in task.flags]
    if told:
        yield from ("", *map(_cell, told))
    if task.text:
        yield from ("", *_fenced(task.text, _LANGUAGES.get(task.node_type, "")))
    if task.extra:
        yield from ("", *_fenced(task.extra, "json"))


def _fenced(text: str, language: str) -> Iterator[str]:
    """The fence is longer than any in it: else it would end there."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from text.split("\n")
    yield fence


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(columns)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_cell(one) for one in row)} |"


def _cell(told: object) -> str:
    return " ".join(str(told).split()).replace("|", "\\|")
