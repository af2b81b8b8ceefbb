"""Any definition, for Hypothesis: few codes, so that two of them have much in common; texts of every kind.

Parts are drawn from pools that are filled once: a draw a part, and not one a field, is what an example costs.
"""

from random import Random

from hypothesis import strategies as st

from tests.support.size import size
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.extra import pack

NAMES = ("a", "b", "c", "d", "é", "中", "a/b", '"')
CODES = st.sampled_from(NAMES)
_TEXTS = ("", "x", "X", "select 1", "select  1", "é", "\n", '","', "中文\\")
_EXTRA = tuple(map(pack, ({}, {}, {"a": 1}, {"a": 1.0}, {"a": None}, {"a": {"b": [1, "x"]}}, {"a.b": True})))
_FEW = ("", "", "", *_TEXTS)  # mostly nothing, so that two parts are often equal in it
_CHANCE = Random(7)


def _some(made: list[object]) -> tuple[object, ...]:
    return tuple(_CHANCE.sample(made, _CHANCE.choice([0, 0, 1, 2])))


def _parameters() -> tuple[Parameter, ...]:
    names = _CHANCE.sample(NAMES, 2)
    kinds = [(_CHANCE.choice(["IN", "OUT"]), _CHANCE.choice(["VARCHAR", "INTEGER"])) for _ in names]
    return _some([Parameter(name, _CHANCE.choice(_TEXTS), *kind) for name, kind in zip(names, kinds, strict=True)])  # type: ignore[return-value]


def _schedule() -> Schedule | None:
    bounds = _CHANCE.choice([None, "2026-01-01T00:00:00Z"]), _CHANCE.choice([None, "2027-01-01T00:00:00Z"])
    zone = _CHANCE.choice(["UTC", "Asia/Shanghai"])
    return _CHANCE.choice([None, Schedule(_CHANCE.choice(["0 1 * * *", "0 2 * * *"]), zone, *bounds)])


def _settings() -> Settings:
    one = _CHANCE.choice
    return Settings("w", one(_FEW), one(_FEW), one([0, 1]), one(["continue", "end"]), _parameters(), _some([*_TEXTS]),
                    _schedule(), one(_FEW), one(_FEW), one(_FEW), one([1, 3]))  # type: ignore[arg-type]  # fmt: skip


def _task(code: str) -> Task:
    one = _CHANCE.choice
    return Task(code, one(_FEW), one(_FEW), one(["batch", "stream"]), one(["SQL", "SHELL"]), one(_TEXTS),
                one([None, *_FEW]), _parameters(), _some([*_TEXTS]), one([1, 3]), one([0, 1]), one([0, 1]), one([0, 1]),
                _some([*_TEXTS]), one(_EXTRA))  # type: ignore[arg-type]  # fmt: skip


_POOL = size(25, 1000)
SETTINGS = st.sampled_from([_settings() for _ in range(_POOL)])
TASKS = {code: st.sampled_from([_task(code) for _ in range(_POOL)]) for code in NAMES}
_SETS_OF_TASKS = st.sets(CODES, max_size=5).map(sorted)
_CROSS = [CrossEdge(*_CHANCE.sample(NAMES, 3), _CHANCE.choice(["", "day/yesterday"])) for _ in range(10)]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    codes = draw(_SETS_OF_TASKS)
    ends = st.tuples(st.sampled_from(codes), st.sampled_from(codes)) if codes else st.nothing()
    edges = draw(st.lists(ends, max_size=5)) if codes else []
    cross = draw(st.lists(st.sampled_from(_CROSS), max_size=2))
    return make(draw(SETTINGS), [draw(TASKS[one]) for one in codes], edges, cross)
