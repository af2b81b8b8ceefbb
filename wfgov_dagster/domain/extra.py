"""What a node type needs beside the fields of a task: `Task.extra`, a canonical JSON object as text, "" = nothing.

Symbols in it stand for what engines know by codes of their own, which no version may hold:
`{"$task": t}` a task of the same workflow, `{"$workflow": w}` a workflow, `{"$workflow": w, "$task": t}` a task of
another workflow, `{"$code": 123}` a code that nobody can name.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import orjson

from wfgov_dagster.domain.definition import Definition, Task
from wfgov_dagster.domain.plain_json import check_json
from wfgov_dagster.errors import InvalidInput

TASK: Final = "$task"
WORKFLOW: Final = "$workflow"
CODE: Final = "$code"
_SYMBOLS: Final = (frozenset({TASK}), frozenset({WORKFLOW}), frozenset({WORKFLOW, TASK}), frozenset({CODE}))

Symbol = Mapping[str, Any]


def pack(values: Mapping[str, Any]) -> str:
    """Raises InvalidInput for what JSON does not hold. Numbers with a point are an engine's: they are kept."""
    if not values:
        return ""
    check_json(dict(values), "extra")
    return _bytes(values).decode()


def unpack(text: str) -> dict[str, Any]:
    """Raises InvalidInput unless `text` is exactly what `pack` makes."""
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput(f"no JSON: {exc}", where="extra") from exc
    if not isinstance(found, dict) or pack(found) != text:
        raise InvalidInput("no canonical JSON object", where="extra", hint="sorted keys, no spaces, not empty")
    return found


def is_symbol(value: object) -> bool:
    return isinstance(value, dict) and frozenset(value) in _SYMBOLS


def symbols(value: object) -> Iterator[Symbol]:
    """Every symbol in it, in the order of the keys."""
    if is_symbol(value):
        assert isinstance(value, dict)
        yield value
    elif isinstance(value, dict):
        for name in sorted(value):
            yield from symbols(value[name])
    elif isinstance(value, list):
        for one in value:
            yield from symbols(one)


def replaced(value: Any, by: Callable[[Symbol], Any]) -> Any:
    """The same with every symbol replaced."""
    if is_symbol(value):
        return by(value)
    if isinstance(value, dict):
        return {name: replaced(one, by) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, by) for one in value]
    return value


def task_symbols(task: Task) -> list[str]:
    """Tasks of its own workflow that it names, sorted. Raises InvalidInput."""
    named = {str(one[TASK]) for one in symbols(unpack(task.extra)) if frozenset(one) == _SYMBOLS[0]}
    return sorted(named)


def problems(definition: Definition) -> list[str]:
    """Sentences: an extra that is none, symbols of tasks that the workflow does not have."""
    codes = {task.code for task in definition.tasks}
    return [told for task in definition.tasks if task.extra for told in problems_of(task, codes)]


def problems_of(task: Task, codes: Collection[str]) -> list[str]:
    """Of one task in a workflow with these tasks."""
    try:
        lost = [code for code in task_symbols(task) if code not in codes]
    except InvalidInput as exc:
        return [f"extra of task {task.code}: {exc}"]
    return [f"task {task.code} names a task that is not in the workflow: {code}" for code in lost]


def nameless(definition: Definition) -> Iterator[str]:
    """Sentences: tasks that name what only one engine knows."""
    for task in definition.tasks:
        codes = [str(one[CODE]) for one in symbols(unpack(task.extra)) if CODE in one]
        if codes:
            yield f"task {task.code} names what nobody can name ({', '.join(codes)}): it fits this engine only"


def differences(before: str, after: str) -> list[tuple[str, Any, Any]]:
    """(path, before, after) of each leaf that differs, None where it is absent.

    Path "": the whole, where one of them is no such text.
    """
    try:
        return list(_leaves("", unpack(before), unpack(after)))
    except InvalidInput:
        return [("", before, after)]


def _leaves(path: str, before: object, after: object) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict) and not (is_symbol(before) or is_symbol(after)):
        for name in sorted(before.keys() | after.keys()):
            if name in before and name in after:
                yield from _leaves(f"{path}.{name}", before[name], after[name])
            else:
                yield f"{path}.{name}", before.get(name), after.get(name)
    elif _bytes(before) != _bytes(after):  # to Python 1, 1.0 and True are equal
        yield path, before, after


def _bytes(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
