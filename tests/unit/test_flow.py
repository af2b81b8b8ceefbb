"""How flows may move, and what follows from the word of a flow node."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.flow import (
    FLOW_TRANSITIONS,
    MOVING,
    Again,
    FlowDefinition,
    FlowEvent,
    FlowNode,
    FlowState,
    NodeKind,
    NodeState,
    state_after,
)
from wfgov_dagster.domain.flow_steps import (
    Action,
    Call,
    Done,
    Failed,
    Patience,
    Stand,
    Wait,
    judge,
    next_of,
)
from wfgov_dagster.domain.plain_json import check_json
from wfgov_dagster.domain.redact import redact, told
from wfgov_dagster.errors import IllegalTransition, InvalidInput

ENDS = {FlowState.FINISHED, FlowState.CANCELED}


def a_node(**options: object) -> FlowNode:
    return FlowNode("a", NodeKind.POLL, lambda _: None, **options)  # type: ignore[arg-type]


def patience(failures: int = 0, left: float | None = None) -> Patience:
    return Patience(failures, left, lambda count: 2.0**count)


# --- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "event"), list(product(FlowState, FlowEvent)))
def test_every_pair_moves_by_the_table_or_is_refused(state: FlowState, event: FlowEvent) -> None:
    if (state, event) in FLOW_TRANSITIONS:
        assert state_after(state, event) is FLOW_TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event} is not possible in state {state}"):
            state_after(state, event)


def test_the_states_are_those_of_the_specification() -> None:
    assert [state.value for state in FlowState] == [
        "Initializing", "Processing", "Canceling", "Canceled", "Stopped", "Finished", "Error",
    ]  # fmt: skip


def test_every_state_is_reached_and_only_ends_are_never_left() -> None:
    assert set(FLOW_TRANSITIONS.values()) == set(FlowState) - {FlowState.INITIALIZING}
    left = {state for (state, _), after in FLOW_TRANSITIONS.items() if after is not state}
    assert left == set(FlowState) - ENDS


def test_a_manager_has_something_to_do_only_where_its_own_events_are_possible() -> None:
    own = {FlowEvent.FINISH, FlowEvent.FAIL, FlowEvent.UNDONE}
    assert {state for state, event in FLOW_TRANSITIONS if event in own} == MOVING


# --- what is next --------------------------------------------------------------------------------

THREE = FlowDefinition(
    "f",
    1,
    (
        FlowNode("a", NodeKind.CALL, lambda _: None, compensate=lambda _: None),
        FlowNode("b", NodeKind.CALL, lambda _: None),
        FlowNode("c", NodeKind.CALL, lambda _: None, compensate=lambda _: None),
    ),
)


def next_name(state: FlowState, *states: NodeState) -> tuple[str, Action] | FlowEvent:
    stands = [Stand(node.name, one) for node, one in zip(THREE.nodes, states, strict=True)]
    found = next_of(state, stands, THREE)
    return (found.node.name, found.action) if isinstance(found, Call) else found


@given(st.tuples(*[st.sampled_from(NodeState)] * 3))
def test_the_next_is_the_first_that_is_not_done_or_the_last_to_undo(states: tuple[NodeState, ...]) -> None:
    open_ = [name for name, state in zip("abc", states, strict=True) if state is not NodeState.DONE]
    expected = (open_[0], Action.DO) if open_ else FlowEvent.FINISH
    assert next_name(FlowState.PROCESSING, *states) == expected
    begun = {NodeState.RUNNING, NodeState.DONE, NodeState.FAILED}
    undo = [name for name, state in zip("abc", states, strict=True) if state in begun and name != "b"]
    expected_undo = (undo[-1], Action.UNDO) if undo else FlowEvent.UNDONE
    assert next_name(FlowState.CANCELING, *states) == expected_undo


# --- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "given_", "verdict"),
    [
        (Done({"x": 1}), patience(7, -1), Done({"x": 1})),
        (Again(3.0), patience(), Wait(3.0)),
        (Again(3.0), patience(left=1.0), Wait(1.0)),
        (Again(-1.0), patience(), Wait(0.0)),
        (Again(float("nan")), patience(), Wait(0.0)),
        (Again(float("inf")), patience(), Wait(86_400.0)),
        (Failed("x", "no"), patience(), Failed("x", "no")),
        (Failed("x", "no", True), patience(), Wait(2.0, 1, Failed("x", "no", True))),
        (Failed("x", "no", True), patience(6), Wait(128.0, 1, Failed("x", "no", True))),
        (Failed("x", "no", True), patience(left=0.5), Wait(0.5, 1, Failed("x", "no", True))),
        (Failed("x", "no", True), patience(7), Failed("x", "no", True)),
        (Failed("x", "no", True), patience(0, 0.0), Failed("x", "no", True)),
    ],
)
def test_a_word_has_one_verdict(word: Done | Again | Failed, given_: Patience, verdict: object) -> None:
    assert judge(a_node(), word, given_) == verdict


def test_again_at_the_deadline_is_a_time_out() -> None:
    verdict = judge(a_node(deadline_seconds=5.0), Again(1.0), patience(left=0.0))
    assert isinstance(verdict, Failed)
    assert (verdict.code, "within 5 s" in verdict.message) == ("WORKFLOW_NODE_POLLING_TIME_OUT", True)


# --- JSON, secrets -------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)  # fmt: skip


@given(PLAIN)
def test_what_json_holds_passes(value: object) -> None:
    check_json(value, "value")


def test_what_json_does_not_hold_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_json({"rows": [1, {"at": {2}}]}, "context")
    assert refused.value.where == "context.rows[1].at"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hush@host/db", "mysql://hush@host", "password=hush", 'PGPASSWORD="hush hush"', "api_key: hush",
        "{'token': 'hush'}", '{"client_secret": "hush"}', "Authorization: Bearer hush.hu-sh", "bearer hush",
        "url?access_key=hush&x=1", "--db-password hush=1 pwd=hush",
    ],
)  # fmt: skip
def test_no_secret_is_shown(text: str) -> None:
    assert "hush" not in redact(text).replace("--db-password hush", "")


def test_what_is_no_secret_stays() -> None:
    text = "relation ods.orders does not exist at https://host/path?x=1, tokens: 3 tokenizer ok"
    assert redact(text).startswith("relation ods.orders does not exist at https://host/path?x=1")
    assert redact("disk full on /var") == "disk full on /var"


def test_an_unexpected_error_is_told_in_one_short_line_with_its_place() -> None:
    with pytest.raises(ValueError, match="first") as raised:
        raise ValueError("first\nsecond" + "x" * 5000)
    assert told(raised.value).startswith("ValueError: first (in test_an_unexpected_error")
    assert told(KeyError()) == "KeyError: "
    assert len(told(ValueError("x" * 5000))) < 1100
