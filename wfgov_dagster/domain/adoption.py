"""Which task of ours each node of a foreign workflow is. Sure, or a new one; never a guess."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wfgov_dagster.domain.definition import Definition, Edge, Task

LONGEST_TASK: Final = 255
LONGEST_WORKFLOW: Final = 100


class Match(StrEnum):
    TEXT = "text"  # same code or name, and the same text
    TABLE = "table"  # same name, and both write one table
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Known:
    """A task of the metadata. `text` normalised; `workflow`: where it is, or is declared to be."""

    code: str
    name: str
    text: str
    writes: frozenset[str]
    workflow: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the foreign workflow. `text` normalised."""

    task: Task
    text: str
    writes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """`code`: of our task. `elsewhere`: (its code, its workflow) of a task that it is for sure, but that is in another
    workflow: it stays there, and the node is a new task. `other_text`: the metadata has another text."""

    node: Node
    code: str
    match: Match
    elsewhere: tuple[str, str] | None = None
    other_text: bool = False


def choose(workflow: str, nodes: Sequence[Node], known: Sequence[Known], taken: frozenset[str]) -> tuple[Chosen, ...]:
    """In the order of `nodes`. `taken`: every task code that there ever was."""
    used: set[str] = set()
    found: list[Chosen] = []
    for node in nodes:
        matches = [(match, one) for one in known if (match := _match(node, one)) is not None]
        best = [one for match, one in matches if match is Match.TEXT] or [one for _, one in matches]
        sure = best[0] if len(best) == 1 else None
        if sure is not None and sure.workflow in (None, workflow) and sure.code not in used:
            match = next(match for match, one in matches if one is sure)
            found.append(Chosen(node, sure.code, match, other_text=sure.text != node.text))
        else:
            elsewhere = None if sure is None or sure.workflow is None else (sure.code, sure.workflow)
            code = _free(workflow, node.task.code, taken | used)
            found.append(Chosen(node, code, Match.NEW, elsewhere))
        used.add(found[-1].code)
    return tuple(found)


def undrawn(definition: Definition, lineage: Sequence[Edge]) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """(drawn edges that lineage does not show, edges of the lineage that are not drawn), sorted."""
    drawn, shown = set(definition.edges), {edge for edge in lineage if edge[0] != edge[1]}
    return tuple(sorted(drawn - shown)), tuple(sorted(shown - drawn))


def lineage_edges(reads: Mapping[str, frozenset[str]], writes: Mapping[str, frozenset[str]]) -> tuple[Edge, ...]:
    """Task → task by one table, both in the maps; sorted."""
    return tuple(
        sorted(
            (writer, reader)
            for reader, tables in reads.items()
            for writer, written in writes.items()
            if writer != reader and tables & written
        )
    )


def _match(node: Node, one: Known) -> Match | None:
    same_name = node.task.name == one.name
    if (same_name or node.task.code == one.code) and node.text and node.text == one.text:
        return Match.TEXT
    return Match.TABLE if same_name and node.writes & one.writes else None


def _free(workflow: str, code: str, taken: frozenset[str] | set[str]) -> str:
    """The code itself where nobody has it; else with its workflow, and a number if need be."""
    for candidate in (code, f"{workflow}.{code}"):
        if candidate not in taken and len(candidate) <= LONGEST_TASK:
            return candidate
    number = 2
    while True:
        tail = f".{number}"
        candidate = f"{workflow}.{code}"[: LONGEST_TASK - len(tail)] + tail
        if candidate not in taken:
            return candidate
        number += 1
