"""What a run tells people: counts, tables, the DAG of a workflow. Dagster draws no Mermaid, so a DAG is a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import dagster as dg

from wfgov_dagster.domain.definition import Definition

ROWS: Final = 200  # more make a page slow, and nobody reads them
WIDTH: Final = 500
_TICKS: Final = re.compile("`+")
_PUNCTUATION: Final = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|&~$])")


def table(rows: Sequence[Mapping[str, object]]) -> dg.MarkdownMetadataValue:
    """Markdown; the column names are the keys of the first row."""
    if not rows:
        return dg.MetadataValue.md("*none*")
    names = list(rows[0])
    lines = [_line(names), _line(["---"] * len(names), plain=True), *(_line(row.values()) for row in rows[:ROWS])]
    more = [f"\n… and {len(rows) - ROWS} more"] if len(rows) > ROWS else []
    return dg.MetadataValue.md("\n".join(lines + more))


def lines(found: Sequence[str]) -> dg.MarkdownMetadataValue:
    """A numbered list."""
    return dg.MetadataValue.md("\n".join(f"{no}. {text(one)}" for no, one in enumerate(found, 1)))


def preformatted(found: Iterable[str]) -> dg.MarkdownMetadataValue:
    """Lines of a diff as they are: at most ROWS, of at most WIDTH characters."""
    kept = list(islice(found, ROWS + 1))
    shown = [one if len(one) <= WIDTH else f"{one[: WIDTH - 1]}…" for one in kept[:ROWS]]
    ticks = max((len(run) for one in shown for run in _TICKS.findall(one)), default=0)
    fence = "`" * max(3, ticks + 1)  # longer than any in it: else it would end there
    more = ["", "… and more"] if len(kept) > ROWS else []
    return dg.MetadataValue.md("\n".join([f"{fence}diff", *shown, fence, *more]))


def dag(definition: Definition) -> dg.MarkdownMetadataValue:
    """Tasks by level (0 = waits for nobody), each with what it waits for inside its workflow."""
    upstream: dict[str, list[str]] = {task.code: [] for task in definition.tasks}
    for pre, post in definition.edges:
        upstream[post].append(pre)
    level = _levels(upstream)
    order = sorted(upstream, key=lambda code: (level[code], code))
    kinds = {task.code: task.node_type for task in definition.tasks}
    return table(
        [{"level": level[c], "task": c, "type": kinds[c], "waits for": ", ".join(upstream[c]) or "—"} for c in order]
    )


def _levels(upstream: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Longest path from a task that waits for nobody. A version has no cycle."""
    waiting = {code: len(pres) for code, pres in upstream.items()}
    downstream: dict[str, list[str]] = {code: [] for code in upstream}
    for code, pres in upstream.items():
        for pre in pres:
            downstream[pre].append(code)
    level = {code: 0 for code, count in waiting.items() if not count}
    ready = list(level)
    while ready:
        code = ready.pop()
        for post in downstream[code]:
            level[post] = max(level.get(post, 0), level[code] + 1)
            waiting[post] -= 1
            if not waiting[post]:
                ready.append(post)
    return level


def _line(cells: Iterable[object], *, plain: bool = False) -> str:
    texts = [str(cell) if plain else text(cell) for cell in cells]
    return f"| {' | '.join(texts)} |"


def text(value: object) -> str:
    """As it is, in Markdown: names of people's things must not become formats."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(str(value).split()))
