"""Confirmed cross-workflow edges as DEPENDENT nodes, and back.

Each task that waits gets one node before it, which waits for every task that it names. The first line of the node's
description is the mark by which it is known again; whoever edits the node beyond what an edge can say makes it a task.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from wfgov_dagster.domain import window
from wfgov_dagster.domain.definition import CrossEdge, Definition, Task, make
from wfgov_dagster.domain.extra import TASK, WORKFLOW, pack, unpack
from wfgov_dagster.errors import InvalidInput

NODE_TYPE: Final = "DEPENDENT"
MARK: Final = "[wfgov waits]"
_PREFIX: Final = "waits: "
_LONGEST_NAME: Final = 200  # of a node on the server
_ITEM: Final = frozenset({"definitionCode", "depTaskCode", "cycle", "dateValue"})


def expanded(definition: Definition) -> Definition:
    """With a node for each task that waits, and without cross-workflow edges."""
    waiting: defaultdict[str, list[CrossEdge]] = defaultdict(list)
    for edge in definition.cross_edges:
        waiting[edge.task].append(edge)
    codes = definition.by_code()
    nodes = [_node(codes[task], edges) for task, edges in sorted(waiting.items()) if task in codes]
    edges = [*definition.edges, *((node.code, node.code.removeprefix(_PREFIX)) for node in nodes)]
    return make(definition.settings, [*definition.tasks, *nodes], edges)


def folded(definition: Definition) -> Definition:
    """With the edges that marked nodes stand for, and without those nodes."""
    found: dict[str, list[CrossEdge]] = {}
    for task in definition.tasks:
        after = [post for pre, post in definition.edges if pre == task.code]
        is_root = all(post != task.code for _, post in definition.edges)
        if is_root and len(after) == 1 and task.node_type == NODE_TYPE and task.description.startswith(MARK):
            edges = _edges(task, after[0])
            if edges:
                found[task.code] = edges
    return make(
        definition.settings,
        (task for task in definition.tasks if task.code not in found),
        (edge for edge in definition.edges if edge[0] not in found),
        [*definition.cross_edges, *(edge for edges in found.values() for edge in edges)],
    )


def code_of(task_code: str) -> str:
    """Of the node that `task_code` waits behind: no task of ours begins like that."""
    return f"{_PREFIX}{task_code}"


def _node(task: Task, edges: list[CrossEdge]) -> Task:
    name = f"{_PREFIX}{task.name}"[:_LONGEST_NAME]
    items = [_item(edge) for edge in sorted(edges)]
    group = {"relation": "AND", "dependItemList": items}
    extra = {"dependence": {"relation": "AND", "dependTaskList": [group]}}
    return Task(code_of(task.code), name, MARK, node_type=NODE_TYPE, extra=pack(extra))


def _item(edge: CrossEdge) -> dict[str, Any]:
    cycle, value = window.parts(edge.window)
    return {
        "definitionCode": {WORKFLOW: edge.upstream_workflow},
        "depTaskCode": {WORKFLOW: edge.upstream_workflow, TASK: edge.upstream_task},
        "cycle": cycle,
        "dateValue": value,
    }


def _edges(node: Task, task: str) -> list[CrossEdge]:
    """[] for what no edges of ours can say."""
    try:
        extra = unpack(node.extra)
        (group,) = extra["dependence"]["dependTaskList"]
        edges = [_edge(item, task) for item in group["dependItemList"]]
    except (InvalidInput, KeyError, TypeError, ValueError):
        return []
    again = _node(Task(task, ""), edges)
    same = (again.extra, again.text, again.parameters, again.resources) == (
        node.extra,
        node.text,
        node.parameters,
        node.resources,
    )
    return edges if same and (node.timeout, node.retries, node.priority) == (0, 0, again.priority) else []


def _edge(item: Mapping[str, Any], task: str) -> CrossEdge:
    """Raises KeyError or ValueError for another shape."""
    upstream = item["depTaskCode"]
    if item.keys() != _ITEM or item["definitionCode"] != {WORKFLOW: upstream[WORKFLOW]}:
        raise ValueError(task)
    chosen = window.Window(f"{item['cycle']}/{item['dateValue']}", "")
    return CrossEdge(upstream[WORKFLOW], upstream[TASK], task, window.stored(chosen))
