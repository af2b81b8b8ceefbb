"""Node types of DolphinScheduler: what is sent is read back as what it was, and the forms are the frozen ones."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.definition import Parameter, Task
from wfgov_dagster.domain.extra import Symbol, pack
from wfgov_dagster.engines.dolphin.kinds import KINDS, defaults_of
from wfgov_dagster.engines.dolphin.nodes import DataSource, from_params, to_params
from wfgov_dagster.engines.dolphin.references import ALL, WORKFLOW
from wfgov_dagster.errors import InvalidInput

FAMILIES = ("3.1", "3.2", "3.3")
GOLDEN = Path(__file__).parent / "golden" / "dolphin_nodes.json"


class Server:
    """Both ways: each symbol has a number of 14 digits, each data source one of its own."""

    project = 99_000_000_000_001

    def __init__(self) -> None:
        self._symbols: dict[bytes, int] = {}
        self._sources: dict[str, int] = {}

    def code(self, symbol: Symbol) -> int:
        if "$code" in symbol:
            return int(symbol["$code"])
        key = orjson.dumps(symbol, option=orjson.OPT_SORT_KEYS)
        return self._symbols.setdefault(key, 10_000_000_000_001 + len(self._symbols))

    def symbol(self, code: int) -> Symbol:
        known = {number: orjson.loads(key) for key, number in self._symbols.items()}
        return known.get(code, {"$code": code})

    def data_source(self, name: str) -> DataSource:
        return DataSource(self._sources.setdefault(name, 1 + len(self._sources)), "MYSQL")

    def data_source_name(self, number: int) -> str:
        return next((name for name, one in self._sources.items() if one == number), str(number))


def read_back(task: Task, family: str, server: Server | None = None) -> Task:
    server = server or Server()
    task_type, params = to_params(task, family, server)
    wire = orjson.loads(orjson.dumps(params))
    node = from_params(task_type, wire, family, server)
    return Task(
        task.code, task.name, node_type=node.node_type, text=node.text, datasource=node.datasource,
        parameters=node.parameters, resources=node.resources, extra=pack(node.extra),
    )  # fmt: skip


# --- every type, every family --------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
WORD = st.text("abcXYZ_中", min_size=1, max_size=4)
TASK = st.builds(lambda code: {"$task": code}, WORD)
ELSEWHERE = st.builds(lambda workflow, task: {"$workflow": workflow, "$task": task}, WORD, WORD)
CODE = st.builds(lambda code: {"$code": code}, st.integers(6 * 10**13, 9 * 10**13))
FLOW = st.builds(lambda workflow: {"$workflow": workflow}, WORD) | CODE
PARAMETERS = st.lists(st.builds(Parameter, WORD, TEXT, st.sampled_from(["IN", "OUT"]), WORD), max_size=2)
LEAF = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
ANY = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORD, inner, max_size=2))
FREE = st.dictionaries(WORD.map("x_{}".format), ANY.filter(lambda value: value is not None), max_size=2)


@st.composite
def items(draw: st.DrawFn, family: str) -> dict[str, Any]:
    wholes = [ALL] if family == "3.1" else [ALL, WORKFLOW]
    item = {
        "definitionCode": draw(FLOW), "depTaskCode": draw(st.sampled_from(wholes) | ELSEWHERE | CODE),
        "cycle": draw(st.sampled_from(["day", "hour"])), "dateValue": draw(WORD),
    }  # fmt: skip
    if draw(st.booleans()):
        item["projectCode"] = draw(CODE)
    if family != "3.1" and draw(st.booleans()):
        item["parameterPassing"] = True
    return item


@st.composite
def extras(draw: st.DrawFn, node_type: str, family: str) -> dict[str, Any]:
    match node_type:
        case "SUB_WORKFLOW" | "DYNAMIC":
            return {"workflowDefinitionCode": draw(FLOW)}
        case "DEPENDENT":
            groups = st.builds(lambda found: {"relation": "OR", "dependItemList": found}, st.lists(items(family)))
            return {"dependence": {"relation": "AND", "dependTaskList": draw(st.lists(groups, max_size=2))}}
        case "CONDITIONS":
            item = st.builds(lambda task, status: {"depTaskCode": task, "status": status}, TASK, WORD)
            group = {"relation": "AND", "dependItemList": draw(st.lists(item, max_size=2))}
            result = {name: draw(st.lists(TASK, max_size=2)) for name in ("successNode", "failedNode")}
            return {"dependence": {"relation": "OR", "dependTaskList": [group]}, "conditionResult": result}
        case "SWITCH":
            case_ = st.builds(lambda text, task: {"condition": text, "nextNode": task}, TEXT, TASK)
            return {"switchResult": {"dependTaskList": draw(st.lists(case_, max_size=2)), "nextNode": draw(TASK)}}
        case "DINKY":
            return {"address": draw(TEXT), "taskId": draw(TEXT)}
        case _:
            return {}


@st.composite
def tasks(draw: st.DrawFn, family: str) -> Task:
    node_type = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[node_type]
    text = draw(TEXT | st.sampled_from(["select 1", "insert into t select 1", "with a as (select 1) select * from a"]))
    text = "" if kind.text is None else text
    extra = draw(FREE) | draw(extras(node_type, family))
    for name, default in defaults_of(kind, text, family).items():
        other = draw(st.none() | st.just({int: 77, str: "other", bool: True, list: ["x"]}[type(default)]))
        if other is not None:
            extra[name] = other
    return Task(
        "t", "T", node_type=node_type, text=text, datasource=draw(WORD) if kind.has_datasource else None,
        parameters=tuple(sorted(draw(PARAMETERS))), resources=tuple(sorted(draw(st.lists(WORD, max_size=2)))),
        extra=pack(extra),
    )  # fmt: skip


@given(st.data(), st.sampled_from(FAMILIES))
def test_what_is_sent_is_read_back_as_it_was(data: st.DataObject, family: str) -> None:
    task = data.draw(tasks(family))
    assert read_back(task, family) == task


@given(WORD.map("OUR_{}".format), st.dictionaries(WORD, ANY, min_size=1, max_size=2), st.sampled_from(FAMILIES))
def test_a_type_that_nobody_knows_is_kept_word_by_word(node_type: str, params: dict[str, Any], family: str) -> None:
    server = Server()
    node = from_params(node_type, params, family, server)
    assert (node.node_type, node.text, node.extra) == (node_type, "", params)
    task = Task("t", "T", node_type=node_type, extra=pack(node.extra))
    assert to_params(task, family, server) == (node_type, params)


@given(st.data(), st.sampled_from(FAMILIES), st.sampled_from(FAMILIES))
def test_a_version_is_the_same_on_a_server_of_another_family(data: st.DataObject, one: str, other: str) -> None:
    """References only: what one family lacks, no other can have told."""
    node_type = data.draw(st.sampled_from(["SUB_WORKFLOW", "DYNAMIC", "CONDITIONS", "SWITCH", "SHELL"]))
    task = Task("t", "T", node_type=node_type, extra=pack(data.draw(extras(node_type, one))))
    assert read_back(read_back(task, one), other) == task


# --- what servers really send --------------------------------------------------------------------


def read(task_type: str, params: dict[str, Any], family: str = "3.1") -> dict[str, Any]:
    node = from_params(task_type, params, family, Server())
    return dict(node.extra)


def test_defaults_nulls_and_numbers_as_text_leave_nothing_extra() -> None:
    sent = {
        "localParams": [], "resourceList": [], "varPool": [], "type": "MYSQL", "datasource": 7, "sql": "select 1",
        "sqlType": 0, "displayRows": "10", "limit": None, "preStatements": [], "sendEmail": False, "title": None,
    }  # fmt: skip
    assert read("SQL", sent) == {}
    assert read("SQL", sent | {"sqlType": "1", "displayRows": 11}) == {"sqlType": "1", "displayRows": 11}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", "0"), ("-- a\n/* b */ (SELECT 1)", "0"), ("with a as (select 1) select * from a", "0"),
        ("insert into t select 1", "1"), ("with a as (select 1) insert into t select * from a", "1"),
        ("create table t (a int)", "1"), ("select a into b from c", "1"), ("", "1"),
    ],
)  # fmt: skip
def test_a_statement_is_sent_as_one(text: str, kind: str) -> None:
    task = Task("t", "T", node_type="SQL", text=text, datasource="dw")
    assert to_params(task, "3.1", Server())[1]["sqlType"] == kind


def test_a_next_node_in_a_list_is_that_node() -> None:
    found = read("SWITCH", {"switchResult": {"dependTaskList": [{"condition": "1", "nextNode": [8]}], "nextNode": [7]}})
    assert found == {
        "switchResult": {"dependTaskList": [{"condition": "1", "nextNode": {"$code": 8}}], "nextNode": {"$code": 7}}
    }


@pytest.mark.parametrize(("family", "code"), [("3.1", 0), ("3.2", -1), ("3.3", -1)])
def test_all_tasks_have_the_number_of_the_family(family: str, code: int) -> None:
    item = {"definitionCode": {"$code": 10**13}, "depTaskCode": ALL, "cycle": "day", "dateValue": "today"}
    extra = {"dependence": {"relation": "AND", "dependTaskList": [{"relation": "AND", "dependItemList": [item]}]}}
    task = Task("t", "T", node_type="DEPENDENT", extra=pack(extra))
    sent = to_params(task, family, Server())[1]["dependence"]["dependTaskList"][0]["dependItemList"][0]
    assert (sent["depTaskCode"], sent["projectCode"]) == (code, Server.project)
    assert read_back(task, family) == task


def test_resources_that_have_only_a_number_are_kept_as_they_are() -> None:
    node = from_params("SHELL", {"rawScript": "x", "resourceList": [{"id": 5}]}, "3.1", Server())
    assert (node.resources, node.extra) == ((), {"resourceList": [{"id": 5}]})
    task = Task("t", "T", node_type="SHELL", text="x", extra=pack(node.extra))
    assert read_back(task, "3.1") == task


def test_a_plain_script_of_any_type_is_the_tasks_text() -> None:
    params = {"localParams": [], "rawScript": "echo", "resourceList": []}
    node = from_params("REMOTESHELL2", params, "3.1", Server())
    assert (node.text, node.extra) == ("echo", {})
    assert to_params(Task("t", "T", node_type="REMOTESHELL2", text="echo"), "3.1", Server())[1] == params


def test_sql_without_a_data_source_is_refused() -> None:
    with pytest.raises(InvalidInput, match="without a data source"):
        to_params(Task("t", "T", text="select 1"), "3.1", Server())


@pytest.mark.parametrize(
    "params",
    [{"dependence": None}, {"dependence": {"dependTaskList": [None, {"dependItemList": [1, None]}]}},
     {"switchResult": []}, {"switchResult": {"dependTaskList": [5]}}, {"conditionResult": {"successNode": 5}}],
)  # fmt: skip
@pytest.mark.parametrize("node_type", ["DEPENDENT", "CONDITIONS", "SWITCH"])
def test_parameters_of_any_other_shape_are_no_error(node_type: str, params: dict[str, Any]) -> None:
    task = Task("t", "T", node_type=node_type, extra=pack(read(node_type, params)))
    assert read_back(task, "3.1") == task


# --- frozen forms --------------------------------------------------------------------------------

_ITEM = {"definitionCode": {"$workflow": "ods"}, "cycle": "day", "dateValue": "today"}
EXAMPLES = [
    Task("shell", "Shell", node_type="SHELL", text="echo 1", parameters=(Parameter("day", "$[yyyyMMdd]"),),
         resources=("a.sh",)),
    Task("python", "Python", node_type="PYTHON", text="print(1)"),
    Task("sql", "SQL", node_type="SQL", text="insert into t select 1", datasource="dw"),
    Task("http", "HTTP", node_type="HTTP", text="http://example.org", extra=pack({"httpMethod": "POST"})),
    Task("spark", "Spark", node_type="SPARK", text="select 1", extra=pack({"numExecutors": 4})),
    Task("flink", "Flink", node_type="FLINK", text="select 1"),
    Task("sub", "Sub", node_type="SUB_WORKFLOW", extra=pack({"workflowDefinitionCode": {"$workflow": "ods"}})),
    Task("wait", "Wait", node_type="DEPENDENT", extra=pack({"dependence": {"relation": "AND", "dependTaskList": [
        {"relation": "AND", "dependItemList": [_ITEM | {"depTaskCode": ALL},
                                               _ITEM | {"depTaskCode": {"$workflow": "ods", "$task": "load"}}]}]}})),
    Task("conditions", "Conditions", node_type="CONDITIONS", extra=pack({
        "dependence": {"relation": "AND", "dependTaskList": [
            {"relation": "AND", "dependItemList": [{"depTaskCode": {"$task": "shell"}, "status": "SUCCESS"}]}]},
        "conditionResult": {"successNode": [{"$task": "sql"}], "failedNode": [{"$task": "python"}]}})),
    Task("switch", "Switch", node_type="SWITCH", extra=pack({"switchResult": {
        "dependTaskList": [{"condition": "${x} == 1", "nextNode": {"$task": "sql"}}],
        "nextNode": {"$task": "python"}}})),
    Task("dinky", "Dinky", node_type="DINKY", extra=pack({"address": "http://dinky:8888", "taskId": "7"})),
    Task("other", "Other", node_type="PROCEDURE", extra=pack({"datasource": 1, "method": "call p()", "x": 1.5})),
]  # fmt: skip


def test_the_forms_are_the_frozen_ones() -> None:
    server = Server()
    found = {family: {task.code: list(to_params(task, family, server)) for task in EXAMPLES} for family in FAMILIES}
    assert found == orjson.loads(GOLDEN.read_bytes())
    for family in FAMILIES:
        for task in EXAMPLES:
            assert read_back(task, family, server) == task
