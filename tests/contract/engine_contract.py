"""What every engine has to do: one test a sentence of the port `Engine`. A subclass brings the four fixtures."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from wfgov_dagster.domain.definition import Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.snapshot import document, hashes
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.engine import Engine, Marker, Observed

RunSubmitted = Callable[[Engine], None]
NIGHTLY = Schedule("30 2 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
MORNING = Schedule("0 6 * * 1-5", "Asia/Shanghai", "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
UNKNOWN = "999999999"


def a_definition(code: str = "daily", *, text: str = "echo hello", schedule: Schedule | None = None) -> Definition:
    """`load` after `extract`, both SHELL: what every engine runs."""
    tasks = [
        Task("extract", "Extract", node_type="SHELL", text=text, timeout=120, retries=1, retry_interval=60),
        Task("load", "装载 Load", "into the 'mart'", node_type="SHELL", text='echo "${day}"', priority=5,
             parameters=(Parameter("day", "2026-01-01"),)),
    ]  # fmt: skip
    return make(Settings(code, f"Workflow {code}", "told", schedule=schedule), tasks, [("extract", "load")])


def a_marker(definition: Definition, version_no: int = 1) -> Marker:
    return Marker(definition.code, version_no, hashes(definition).content)


def deployed(engine: Engine, definition: Definition, version_no: int = 1) -> Observed:
    engine.deploy(definition, a_marker(definition, version_no))
    return seen(engine, definition.code)


def seen(engine: Engine, code: str = "daily") -> Observed:
    found = engine.observe(code)
    assert found is not None
    return found


def online(engine: Engine, definition: Definition | None = None) -> Definition:
    definition = definition or a_definition()
    deployed(engine, definition)
    engine.online(definition.code)
    return definition


def state(engine: Engine, instance_id: str) -> str:
    return next(one.state for one in engine.instances(None, 100) if one.instance_id == instance_id)


class EngineContract:
    @pytest.fixture
    def engine(self) -> Engine:
        """It holds nothing and can be reached."""
        raise AssertionError("a subclass brings its engine")

    @pytest.fixture
    def run_submitted(self) -> RunSubmitted:
        """Returns once every instance that was started has ended."""
        raise AssertionError("a subclass brings what runs its instances")

    @pytest.fixture
    def unreachable(self) -> Engine:
        """An engine that is not there."""
        raise AssertionError("a subclass brings an engine that is down")

    @pytest.fixture
    def mute(self) -> Engine:
        """It does what it is asked, but the replies to `deploy` are lost."""
        raise AssertionError("a subclass brings an engine whose replies are lost")

    @pytest.fixture
    def foreign(self) -> Callable[[Engine], str]:
        """Makes a workflow in the engine that is not ours; returns its code."""
        raise AssertionError("a subclass brings a workflow that is not ours")

    # --- the class -------------------------------------------------------------------------------

    def test_it_has_a_name_and_a_known_kind(self, engine: Engine) -> None:
        assert engine.name
        assert engine.kind in {"embedded", "dolphin", "dinky"}

    @pytest.mark.parametrize(
        "call",
        [
            lambda engine: engine.deploy(a_definition(), a_marker(a_definition())),
            lambda engine: engine.offline("daily"),
        ],
        ids=["deploy", "offline"],
    )
    def test_repeated_on_an_offline_workflow_a_call_has_no_further_effect(
        self, engine: Engine, call: Callable[[Engine], None]
    ) -> None:
        deployed(engine, a_definition())
        call(engine)
        before = seen(engine), engine.versions("daily")
        call(engine)
        assert (seen(engine), engine.versions("daily")) == before

    @pytest.mark.parametrize(
        "call",
        [
            lambda engine: engine.online("daily"),
            lambda engine: engine.put_schedule("daily", MORNING),
            lambda engine: engine.put_schedule("daily", None),
            lambda engine: engine.schedule_online("daily"),
            lambda engine: engine.schedule_offline("daily"),
            lambda engine: engine.offline("daily"),
        ],
        ids=["online", "put", "remove", "schedule_online", "schedule_offline", "offline"],
    )
    def test_repeated_on_an_online_workflow_a_call_has_no_further_effect(
        self, engine: Engine, call: Callable[[Engine], None]
    ) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        call(engine)
        before = seen(engine), engine.versions("daily")
        call(engine)
        assert (seen(engine), engine.versions("daily")) == before

    def test_an_engine_that_is_not_there_is_unreachable(self, unreachable: Engine) -> None:
        with pytest.raises(EngineUnreachable):
            unreachable.observe("daily")
        with pytest.raises(EngineUnreachable):
            unreachable.instances(None, 1)
        with pytest.raises(EngineUnreachable):
            unreachable.deploy(a_definition(), a_marker(a_definition()))

    def test_a_lost_reply_to_a_write_leaves_the_outcome_unknown(self, mute: Engine) -> None:
        with pytest.raises(OutcomeUnknown):
            mute.deploy(a_definition(), a_marker(a_definition()))
        assert seen(mute).definition == mute.shown(a_definition())

    # --- observe ---------------------------------------------------------------------------------

    def test_an_unknown_workflow_is_observed_as_none(self, engine: Engine) -> None:
        assert engine.observe("nobody") is None

    def test_what_was_deployed_is_read_back(self, engine: Engine) -> None:
        found = deployed(engine, a_definition())
        assert document(found.definition) == document(engine.shown(a_definition()))
        assert (found.definition.tasks, found.definition.edges) == (a_definition().tasks, a_definition().edges)
        assert found.engine_version == 1
        assert found.engine_workflow_code

    def test_the_marker_says_which_version_it_is(self, engine: Engine) -> None:
        assert deployed(engine, a_definition(), 7).marker == a_marker(a_definition(), 7)

    def test_a_definition_that_is_not_ours_has_no_marker(
        self, engine: Engine, foreign: Callable[[Engine], str]
    ) -> None:
        assert seen(engine, foreign(engine)).marker is None

    def test_every_task_has_a_code_in_the_engine(self, engine: Engine) -> None:
        codes = deployed(engine, a_definition()).engine_task_codes
        assert set(codes) == {"extract", "load"}
        assert len(set(codes.values())) == 2

    def test_any_text_comes_back_as_it_was(self, engine: Engine) -> None:
        text = "echo '订单 \"50%\" & <b> \\n ${x} $$ #'\n\n# end  \n"
        found = deployed(engine, a_definition(text=text))
        assert found.definition.by_code()["extract"].text == text

    # --- deploy ----------------------------------------------------------------------------------

    def test_a_new_workflow_is_offline_and_has_no_schedule(self, engine: Engine) -> None:
        found = deployed(engine, a_definition())
        assert (found.online, found.schedule, found.schedule_online) == (False, None, False)

    def test_a_definitions_own_schedule_is_not_deployed(self, engine: Engine) -> None:
        found = deployed(engine, a_definition(schedule=NIGHTLY))
        assert found.schedule is None
        assert found.definition.settings.schedule is None

    def test_deploy_takes_the_place_of_the_old_definition(self, engine: Engine) -> None:
        deployed(engine, a_definition())
        found = deployed(engine, a_definition(text="echo other"), 2)
        assert found.definition == engine.shown(a_definition(text="echo other"))
        assert found.marker is not None
        assert found.marker.version_no == 2
        assert found.engine_version == 2

    def test_deploy_is_rejected_while_online_and_applies_nothing(self, engine: Engine) -> None:
        online(engine)
        before = seen(engine)
        with pytest.raises(EngineRejected):
            deployed(engine, a_definition(text="echo other"), 2)
        assert seen(engine) == before

    def test_content_that_it_already_holds_makes_no_new_engine_version(self, engine: Engine) -> None:
        deployed(engine, a_definition())
        deployed(engine, a_definition(schedule=NIGHTLY))
        assert [one.version for one in engine.versions("daily")] == [1]

    def test_one_workflow_is_not_another(self, engine: Engine) -> None:
        deployed(engine, a_definition("a"))
        before = deployed(engine, a_definition("b"))
        deployed(engine, a_definition("a", text="echo other"), 2)
        engine.online("a")
        assert seen(engine, "b") == before

    # --- online, offline -------------------------------------------------------------------------

    def test_online_lets_instances_start(self, engine: Engine) -> None:
        online(engine)
        assert seen(engine).online
        assert engine.start("daily", "k", "ann")

    @pytest.mark.parametrize("what", ["online", "offline", "schedule_online", "schedule_offline"])
    def test_an_unknown_workflow_is_rejected(self, engine: Engine, what: str) -> None:
        with pytest.raises(EngineRejected):
            getattr(engine, what)("nobody")

    def test_online_leaves_the_schedule_as_it_is(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.offline("daily")
        engine.online("daily")
        assert (seen(engine).schedule, seen(engine).schedule_online) == (NIGHTLY, False)

    def test_offline_lets_no_instance_start(self, engine: Engine) -> None:
        online(engine)
        engine.offline("daily")
        assert not seen(engine).online
        with pytest.raises(EngineRejected):
            engine.start("daily", "k", "ann")

    def test_the_schedule_goes_offline_with_its_workflow(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.schedule_online("daily")
        engine.offline("daily")
        assert (seen(engine).schedule, seen(engine).schedule_online) == (NIGHTLY, False)

    # --- schedules -------------------------------------------------------------------------------

    def test_a_new_schedule_is_offline(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        assert (seen(engine).schedule, seen(engine).schedule_online) == (NIGHTLY, False)

    def test_a_replaced_schedule_is_offline_again(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.schedule_online("daily")
        engine.put_schedule("daily", MORNING)
        assert (seen(engine).schedule, seen(engine).schedule_online) == (MORNING, False)

    def test_none_removes_the_schedule(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.schedule_online("daily")
        engine.put_schedule("daily", None)
        assert (seen(engine).schedule, seen(engine).schedule_online) == (None, False)

    @pytest.mark.parametrize("schedule", [NIGHTLY, None], ids=["put", "remove"])
    def test_a_schedule_is_rejected_while_the_workflow_is_offline(
        self, engine: Engine, schedule: Schedule | None
    ) -> None:
        deployed(engine, a_definition())
        with pytest.raises(EngineRejected):
            engine.put_schedule("daily", schedule)

    def test_a_cron_that_is_none_is_rejected(self, engine: Engine) -> None:
        online(engine)
        with pytest.raises(EngineRejected):
            engine.put_schedule("daily", replace(NIGHTLY, cron="every night"))
        assert seen(engine).schedule is None

    def test_schedule_online_and_offline_are_seen(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.schedule_online("daily")
        assert seen(engine).schedule_online
        engine.schedule_offline("daily")
        assert not seen(engine).schedule_online

    @pytest.mark.parametrize("what", ["schedule_online", "schedule_offline"])
    def test_without_a_schedule_it_is_rejected(self, engine: Engine, what: str) -> None:
        online(engine)
        with pytest.raises(EngineRejected):
            getattr(engine, what)("daily")

    def test_schedule_online_is_rejected_while_the_workflow_is_offline(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.offline("daily")
        with pytest.raises(EngineRejected):
            engine.schedule_online("daily")

    # --- instances -------------------------------------------------------------------------------

    def test_start_makes_one_instance_of_the_version_it_holds(self, engine: Engine) -> None:
        online(engine)
        instance_id = engine.start("daily", "k", "ann")
        (found,) = engine.instances("daily", 10)
        assert (found.instance_id, found.workflow_code, found.version_no) == (instance_id, "daily", 1)
        assert found.state in {"submitted", "running", "success"}
        assert found.submitted_at.utcoffset() is not None

    def test_an_instance_runs_to_success(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine)
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        (found,) = engine.instances("daily", 10)
        assert found.state == "success"
        assert found.started_at is not None
        assert found.ended_at is not None
        assert found.submitted_at <= found.started_at <= found.ended_at
        assert [(task.state, task.attempt) for task in engine.task_instances(instance_id)] == [("success", 1)] * 2

    def test_an_instance_with_a_failed_task_has_failed(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        failing = a_definition(text="exit 3")
        online(engine, replace(failing, tasks=tuple(replace(task, retries=0) for task in failing.tasks)))
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        assert state(engine, instance_id) == "failed"
        assert engine.task_instances(instance_id)[0].state == "failed"

    @pytest.mark.parametrize("code", ["nobody", "", "a\0b", "订单/日汇总", "'; DROP TABLE x; --", "x" * 300])
    def test_start_of_an_unknown_workflow_is_rejected(self, engine: Engine, code: str) -> None:
        with pytest.raises(EngineRejected):
            engine.start(code, "k", "ann")

    def test_the_same_request_key_again_is_the_same_instance(self, engine: Engine) -> None:
        online(engine)
        first = engine.start("daily", "k", "ann")
        assert engine.start("daily", "k", "bob") == first
        engine.offline("daily")
        assert engine.start("daily", "k", "ann") == first
        assert len(engine.instances("daily", 10)) == 1

    def test_another_request_key_is_another_instance(self, engine: Engine) -> None:
        online(engine)
        assert engine.start("daily", "k1", "ann") != engine.start("daily", "k2", "ann")

    def test_a_stopped_instance_ends_stopped(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine, a_definition(text="sleep 60"))
        instance_id = engine.start("daily", "k", "ann")
        engine.stop(instance_id)
        engine.stop(instance_id)
        run_submitted(engine)
        assert state(engine, instance_id) == "stopped"

    def test_stop_has_no_effect_on_one_that_has_ended(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine)
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        before = engine.instances("daily", 10)
        engine.stop(instance_id)
        assert engine.instances("daily", 10) == before

    def test_instances_are_the_newest_first_and_of_all_workflows(self, engine: Engine) -> None:
        online(engine, a_definition("a"))
        online(engine, a_definition("b"))
        ids = [engine.start(code, key, "ann") for code, key in (("a", "1"), ("b", "1"), ("a", "2"))]
        assert [one.instance_id for one in engine.instances(None, 10)] == ids[::-1]
        assert [one.instance_id for one in engine.instances("a", 10)] == [ids[2], ids[0]]
        assert [one.instance_id for one in engine.instances(None, 2)] == [ids[2], ids[1]]

    def test_an_instance_alone_is_as_in_the_list(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine)
        engine.start("daily", "k", "ann")
        run_submitted(engine)
        listed = engine.instances("daily", 1)[0]
        assert engine.instance(listed.instance_id) == listed

    def test_task_instances_come_by_task_code(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine)
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        assert [task.task_code for task in engine.task_instances(instance_id)] == ["extract", "load"]

    @pytest.mark.parametrize(
        "call",
        [
            lambda engine, one: engine.stop(one),
            lambda engine, one: engine.instance(one),
            lambda engine, one: engine.task_instances(one),
            lambda engine, one: engine.task_log(one, "extract", 100),
        ],
        ids=["stop", "instance", "task_instances", "task_log"],
    )
    @pytest.mark.parametrize("instance_id", [UNKNOWN, "9" * 40, "", "no number", "²"])
    def test_an_unknown_instance_is_rejected(
        self, engine: Engine, call: Callable[[Engine, str], object], instance_id: str
    ) -> None:
        with pytest.raises(EngineRejected):
            call(engine, instance_id)

    def test_the_log_of_an_unknown_task_is_rejected(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(engine)
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        with pytest.raises(EngineRejected):
            engine.task_log(instance_id, "nothing", 100)

    def test_the_log_is_its_end_and_at_most_so_many_bytes(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        online(
            engine,
            a_definition(text='for i in 1 2 3 4 5 6 7 8 9; do echo "行行行行行行行行行行 $i"; done; echo done-9'),
        )
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        whole = engine.task_log(instance_id, "extract", 100_000)
        assert "行 1\n" in whole
        assert "done-9" in whole
        for size in (0, 1, 50, 51, 52):
            part = engine.task_log(instance_id, "extract", size)
            assert len(part.encode()) <= size
            assert whole.endswith(part.lstrip("?"))
        assert len(engine.task_log(instance_id, "extract", 50)) > 10

    def test_the_log_is_empty_before_the_task_has_begun(self, engine: Engine, run_submitted: RunSubmitted) -> None:
        failing = a_definition(text="exit 3")
        online(engine, replace(failing, tasks=tuple(replace(task, retries=0) for task in failing.tasks)))
        instance_id = engine.start("daily", "k", "ann")
        run_submitted(engine)
        assert {task.task_code for task in engine.task_instances(instance_id) if task.state == "skipped"} == {"load"}
        assert engine.task_log(instance_id, "load", 100) == ""

    # --- what it holds altogether ----------------------------------------------------------------

    def test_heads_are_all_that_it_holds_by_code(self, engine: Engine) -> None:
        assert dict(engine.heads()) == {}
        deployed(engine, a_definition("a"))
        online(engine, a_definition("b"))
        heads = engine.heads()
        assert {code: (head.online, head.schedule_online) for code, head in heads.items()} == {
            "a": (False, False),
            "b": (True, False),
        }
        for code, head in heads.items():
            held = seen(engine, code)
            assert (head.engine_workflow_code, head.engine_version) == (held.engine_workflow_code, held.engine_version)

    def test_a_revision_is_the_same_until_something_changes(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        revisions = [engine.heads()["daily"].revision]
        assert engine.heads()["daily"].revision == revisions[0]
        engine.put_schedule("daily", MORNING)
        revisions.append(engine.heads()["daily"].revision)
        engine.offline("daily")
        deployed(engine, a_definition(text="echo other"), 2)
        revisions.append(engine.heads()["daily"].revision)
        assert len(set(revisions)) == 3

    def test_heads_tell_the_states(self, engine: Engine) -> None:
        online(engine)
        engine.put_schedule("daily", NIGHTLY)
        engine.schedule_online("daily")
        head = engine.heads()["daily"]
        assert (head.online, head.schedule_online) == (True, True)
        engine.offline("daily")
        head = engine.heads()["daily"]
        assert (head.online, head.schedule_online) == (False, False)

    def test_what_is_observed_is_what_is_shown_of_what_was_deployed(self, engine: Engine) -> None:
        definition = a_definition(schedule=NIGHTLY)
        assert deployed(engine, definition).definition == engine.shown(definition)

    def test_heads_of_an_engine_that_is_down_are_unreachable(self, unreachable: Engine) -> None:
        with pytest.raises(EngineUnreachable):
            unreachable.heads()

    # --- adoption --------------------------------------------------------------------------------

    def test_an_adopted_workflow_has_our_codes_unless_the_engine_knows_no_others(
        self, engine: Engine, foreign: Callable[[Engine], str]
    ) -> None:
        name = foreign(engine)
        held = seen(engine, name)
        ours = {f"ours.{task}": code for task, code in held.engine_task_codes.items()}
        try:
            engine.adopt(name, ours)
        except EngineRejected:
            assert seen(engine, name) == held
            engine.adopt(name, held.engine_task_codes)
            assert seen(engine, name) == held
        else:
            named = seen(engine, name)
            assert named.engine_task_codes == ours
            assert {task.code for task in named.definition.tasks} == set(ours)
            assert (named.engine_version, named.marker) == (held.engine_version, None)

    # --- versions --------------------------------------------------------------------------------

    def test_versions_are_kept_the_newest_first_with_their_markers(self, engine: Engine) -> None:
        for number in (1, 2, 3):
            deployed(engine, a_definition(text=f"echo {number % 2}"), number)
        found = engine.versions("daily")
        assert [(one.version, one.marker and one.marker.version_no) for one in found] == [(3, 3), (2, 2), (1, 1)]
        assert all(one.created_at.utcoffset() is not None for one in found)

    def test_an_unknown_workflow_has_no_versions(self, engine: Engine) -> None:
        assert list(engine.versions("nobody")) == []

    def test_a_deleted_version_is_forgotten(self, engine: Engine) -> None:
        deployed(engine, a_definition())
        deployed(engine, a_definition(text="echo other"), 2)
        engine.delete_version("daily", 1)
        engine.delete_version("daily", 1)
        assert [one.version for one in engine.versions("daily")] == [2]

    def test_the_current_version_is_not_deleted(self, engine: Engine) -> None:
        deployed(engine, a_definition())
        with pytest.raises(EngineRejected):
            engine.delete_version("daily", 1)
        assert [one.version for one in engine.versions("daily")] == [1]

    def test_a_version_that_an_instance_is_running_is_not_deleted(
        self, engine: Engine, run_submitted: RunSubmitted
    ) -> None:
        online(engine, a_definition(text="sleep 2"))
        engine.start("daily", "k", "ann")
        engine.offline("daily")
        deployed(engine, a_definition(text="echo other"), 2)
        with pytest.raises(EngineRejected):
            engine.delete_version("daily", 1)
        run_submitted(engine)
        engine.delete_version("daily", 1)
        assert [one.version for one in engine.versions("daily")] == [2]
