"""Confirmed cross-workflow edges become DEPENDENT nodes and are read back as edges."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_dolphin_nodes import FAMILIES, Server, read_back
from wfgov_dagster.domain.definition import CrossEdge, Definition, Settings, Task, make
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.engines.dolphin.nodes import to_params
from wfgov_dagster.engines.dolphin.waits import MARK, expanded, folded

READER = make(
    Settings("ads", "ADS"),
    [Task("a", "A", node_type="SHELL", text="x"), Task("b", "B", node_type="SHELL", text="y")],
    [("a", "b")],
    [CrossEdge("dwd", "t1", "b"), CrossEdge("dwd", "t2", "b", "hour/currentHour"), CrossEdge("ods", "t", "a")],
)
NAME = st.sampled_from(["a", "b", "流", "x y"])


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    codes = draw(st.lists(NAME, unique=True, min_size=1))
    windows = st.sampled_from(["", "day/last1Days"])
    edges = st.builds(CrossEdge, NAME, NAME, st.sampled_from(codes), windows)
    inner = [(pre, post) for pre, post in pairwise(codes) if draw(st.booleans())]
    return make(Settings("w", "W"), [Task(code, code) for code in codes], inner, draw(st.lists(edges, max_size=4)))


@given(definitions(), st.sampled_from(FAMILIES))
def test_edges_are_nodes_there_and_edges_here(definition: Definition, family: str) -> None:
    sent, server = expanded(definition), Server()
    assert sent.cross_edges == ()
    assert len(sent.tasks) - len(definition.tasks) == len({edge.task for edge in definition.cross_edges})
    assert folded(sent) == definition
    nodes = [task for task in sent.tasks if task.node_type == "DEPENDENT"]
    for node in nodes:
        assert read_back(node, family, server).extra == node.extra


def test_each_task_that_waits_has_one_node_before_it_that_names_tasks() -> None:
    sent = expanded(READER)
    assert sent.edges == (("a", "b"), ("waits: a", "a"), ("waits: b", "b"))
    node = sent.by_code()["waits: b"]
    assert (node.name, node.description) == ("waits: B", MARK)
    server = Server()
    _, params = to_params(node, "3.1", server)
    dwd = server.code({"$workflow": "dwd"})
    assert params["dependence"] == {
        "relation": "AND",
        "dependTaskList": [
            {
                "relation": "AND",
                "dependItemList": [
                    {
                        "projectCode": Server.project, "definitionCode": dwd,
                        "depTaskCode": server.code({"$workflow": "dwd", "$task": "t1"}),
                        "cycle": "day", "dateValue": "today",
                    },
                    {
                        "projectCode": Server.project, "definitionCode": dwd,
                        "depTaskCode": server.code({"$workflow": "dwd", "$task": "t2"}),
                        "cycle": "hour", "dateValue": "currentHour",
                    },
                ],
            }
        ],
    }  # fmt: skip


NODE = expanded(READER).by_code()["waits: b"]
DEPENDENCE: dict[str, Any] = orjson.loads(NODE.extra)["dependence"]
ITEM = DEPENDENCE["dependTaskList"][0]["dependItemList"][0]


def with_item(**changes: object) -> Task:
    group = {"relation": "AND", "dependItemList": [ITEM | changes]}
    return replace(NODE, extra=pack({"dependence": {"relation": "AND", "dependTaskList": [group]}}))


@pytest.mark.parametrize(
    "edited",
    [
        replace(NODE, description="mine"),
        replace(NODE, timeout=60),
        replace(NODE, extra=pack({"dependence": DEPENDENCE | {"relation": "OR"}})),
        replace(NODE, extra=pack({"dependence": DEPENDENCE, "failurePolicy": "DEPENDENT_FAILURE_WAITING"})),
        replace(NODE, extra=pack({"dependence": None})),
        replace(NODE, extra="{"),
        with_item(depTaskCode="ALL"),
        with_item(depTaskCode={"$code": 5}),
        with_item(definitionCode={"$workflow": "other"}),
        with_item(projectCode={"$code": 7}),
    ],
)
def test_a_node_that_says_more_than_an_edge_stays_a_task(edited: Task) -> None:
    sent = expanded(READER)
    tasks = [edited if task.code == NODE.code else task for task in sent.tasks]
    found = folded(make(sent.settings, tasks, sent.edges))
    assert found.by_code()[NODE.code] == edited
    assert found.cross_edges == (CrossEdge("ods", "t", "a"),)


def test_a_node_with_an_edge_more_stays_a_task() -> None:
    sent = expanded(READER)
    found = folded(make(sent.settings, sent.tasks, [*sent.edges, ("waits: b", "a")]))
    assert "waits: b" in found.by_code()
