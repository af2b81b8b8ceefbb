"""What holds for any two definitions: hashes, diffs, patches, classes, outlines."""

import hashlib
import random
from dataclasses import fields, replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.definitions import SETTINGS, TASKS, definitions
from tests.support.size import SEED, size
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.change_class import ChangeClass, Effects, judge
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.outline import differing, outline, thin
from wfgov_dagster.domain.patch import apply
from wfgov_dagster.domain.readable import unified
from wfgov_dagster.domain.version import Draft, structure
from wfgov_dagster.errors import Conflict

PAIRS = st.tuples(definitions(), definitions())


@given(definitions(), st.randoms(use_true_random=False))
def test_in_another_order_it_is_the_same(definition: Definition, chance: random.Random) -> None:
    def mixed(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(chance.sample(values, len(values)))

    def part(one: Task | Settings) -> Task | Settings:
        return replace(one, **{field.name: mixed(getattr(one, field.name)) for field in fields(one)
                               if isinstance(getattr(one, field.name), tuple)})  # fmt: skip

    tasks = [part(task) for task in mixed(definition.tasks)]  # type: ignore[arg-type]
    again = make(part(definition.settings), tasks, mixed(definition.edges), mixed(definition.cross_edges))  # type: ignore[arg-type]
    assert snapshot.hashes(again) == snapshot.hashes(definition)


def _canonical(definition: Definition) -> Definition:
    return snapshot.parse(snapshot.document(definition))


@given(PAIRS)
def test_any_change_that_means_something_has_another_hash(pair: tuple[Definition, Definition]) -> None:
    before, after = map(_canonical, pair)
    hashes = [snapshot.hashes(one).content for one in (before, after)]
    assert (hashes[0] == hashes[1]) == (before == after) == (not diff(before, after))


@given(definitions(), st.data())
def test_one_field_alone_has_another_hash(definition: Definition, data: st.DataObject) -> None:
    """And only names and descriptions leave the functional hash."""
    part = data.draw(st.sampled_from([definition.settings, *definition.tasks]))
    field = data.draw(st.sampled_from([one.name for one in fields(part) if one.name != "code"]))
    other = data.draw(SETTINGS if isinstance(part, Settings) else TASKS[part.code])
    changed = replace(part, **{field: getattr(other, field)})
    after = (
        replace(definition, settings=changed)
        if isinstance(changed, Settings)
        else replace(definition, tasks=tuple(changed if one.code == changed.code else one for one in definition.tasks))
    )
    old, new = snapshot.hashes(definition), snapshot.hashes(after)
    same = _canonical(after) == _canonical(definition)
    assert (old.content == new.content) == same
    assert (old.functional == new.functional) == (same or field in {"name", "description"})


@given(PAIRS)
def test_a_diff_applied_to_the_one_gives_the_other(pair: tuple[Definition, Definition]) -> None:
    before, after = pair
    assert apply(diff(before, after), before) == after
    assert apply(diff(after, before), after) == before


@given(PAIRS)
def test_a_diff_is_not_applied_to_what_it_was_not_made_of(pair: tuple[Definition, Definition]) -> None:
    before, after = pair
    found = diff(before, after)
    moves = (*found.tasks_added, *found.tasks_removed, *found.edges_added, *found.edges_removed,
             *found.cross_added, *found.cross_removed)  # fmt: skip
    changes = [*found.settings, *(one for task in found.tasks_changed for one in task.fields)]
    if moves or any(not one.field.startswith("extra") for one in changes):
        with pytest.raises(Conflict, match="made of another definition"):
            apply(found, after)


@given(PAIRS)
def test_the_class_is_none_for_equal_ones_and_metadata_for_an_equal_functional_hash(
    pair: tuple[Definition, Definition],
) -> None:
    before, after = map(_canonical, pair)
    old, new = snapshot.hashes(before), snapshot.hashes(after)
    found = judge(diff(before, after), Effects()).change_class
    assert (found is ChangeClass.NONE) == (old.content == new.content)
    assert (found in {ChangeClass.NONE, ChangeClass.METADATA}) == (old.functional == new.functional)


@given(PAIRS)
def test_names_alone_are_the_class_metadata(pair: tuple[Definition, Definition]) -> None:
    before, other = pair
    names = other.by_code()
    tasks = [replace(one, name=names[one.code].name) if one.code in names else one for one in before.tasks]
    after = replace(before, tasks=tuple(tasks), settings=replace(before.settings, name=other.settings.name))
    found = judge(diff(before, after), Effects()).change_class
    assert found is (ChangeClass.NONE if after == before else ChangeClass.METADATA)


@given(PAIRS)
def test_outlines_differ_as_the_whole_ones_do(pair: tuple[Definition, Definition]) -> None:
    """Task versions as the log counts them: another body, another number."""
    before, after = map(_canonical, pair)
    bodies = {code: [snapshot.task_body(task)] for code, task in before.by_code().items()}
    for code, task in after.by_code().items():
        known = bodies.setdefault(code, [])
        known += [] if snapshot.task_body(task) in known else [snapshot.task_body(task)]
    sides = []
    for one in (before, after):
        versions = {task.code: bodies[task.code].index(snapshot.task_body(task)) + 1 for task in one.tasks}
        kept = structure(Draft(1, one, snapshot.hashes(one), "", "manual"))
        sides.append(outline(kept, versions, one.edges))
    old, new = sides
    bodies_of = [[side.by_code()[code] for code in differing(*pair)]
                 for side, pair in ((before, (old, new)), (after, (new, old)))]  # fmt: skip
    thin_before, thin_after = thin(old, new, (bodies_of[0], bodies_of[1]))
    thinned, whole = diff(thin_before, thin_after), diff(before, after)
    assert (thinned, thinned.bodies) == (whole, whole.bodies)
    assert bool(unified(thin_before, thin_after, ("a", "b"))) == bool(whole)


def test_no_two_definitions_share_their_canonical_bytes() -> None:
    """Random ones that differ in little: equal bytes, equal definition. Soak: 200,000 bodies."""
    chance = random.Random(SEED)
    texts = ["", "a", "b", '"', "\\", "a\n", "\x00", "é", "e\u0301", "中", ",", "null", "0", '","']
    seen: dict[bytes, Task] = {}
    for _ in range(size(20_000, 200_000)):
        task = Task(chance.choice(texts), chance.choice(texts), chance.choice(texts), text=chance.choice(texts),
                    datasource=chance.choice([None, *texts]), flags=tuple(sorted(chance.sample(texts, 2))),
                    priority=chance.randrange(3), timeout=chance.randrange(3))  # fmt: skip
        body = snapshot.task_body(task)
        assert seen.setdefault(body, task) == task
        if len(seen) < 200:
            assert snapshot.task_from(orjson.loads(body)) == task
    assert len({snapshot.digest(body) for body in seen}) == len(seen)


def test_no_two_whole_definitions_share_their_document() -> None:
    """As above, with settings, lists, edges of both kinds: one document, one definition, and the other way round. Soak:
    200,000 of them."""
    chance = random.Random(SEED)
    texts = ["", "a", "b", '"', "\\", "],[", '"],"tasks":[', "é", "null", '","']
    one = chance.choice

    def some(least: int = 0) -> tuple[str, ...]:
        return tuple(sorted(chance.sample(texts, chance.randint(least, 2))))

    documents: dict[str, str] = {}
    definitions_of: dict[str, str] = {}
    for _ in range(size(2_000, 200_000)):
        schedule = one([None, Schedule(one(texts), one(texts), one([None, "a"]), one([None, "a"]))])
        parameters = tuple(Parameter(name, one(texts)) for name in some())
        settings = Settings(one(texts), one(texts), one(texts), one([0, 1]), parameters=parameters, resources=some(),
                            schedule=schedule, tenant=one(texts))  # fmt: skip
        codes = some(1)
        tasks = [
            Task(code, one(texts), text=one(texts), datasource=one([None, *texts]), flags=some()) for code in codes
        ]
        edges = [(one(codes), one(codes)) for _ in range(chance.randrange(3))]
        crossing = [CrossEdge(one(texts), one(texts), one(codes), one(["", "a"])) for _ in range(chance.randrange(2))]
        whole = make(settings, tasks, edges, crossing)
        document = snapshot.digest(snapshot.document(whole))
        told = hashlib.sha256(repr(whole).encode()).hexdigest()
        assert documents.setdefault(document, told) == told
        assert definitions_of.setdefault(told, document) == document
    assert len(documents) > size(1_500, 150_000), "most of them are different ones"
