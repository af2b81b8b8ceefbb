"""What in a definition looks as if it were a secret: such a thing belongs to an engine or its data source."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from wfgov_dagster.domain.definition import Definition, Parameter, Settings, Task
from wfgov_dagster.domain.redact import secrets_in

_REFERENCE: Final = re.compile(r"\$\{[^}]*\}|\$\[[^\]]*\]")  # to what is filled in where it runs

Look = Callable[[str], bool]


def looks_secret(text: str) -> bool:
    return next(secrets_in(_REFERENCE.sub("$", text)), None) is not None


def places(definition: Definition, look: Look) -> Iterator[str]:
    """Where `look` says yes: `task load: text, line 3`."""
    yield from _of("workflow", definition.settings, look)
    for task in definition.tasks:
        yield from _of(f"task {task.code}", task, look)


def _of(where: str, part: Settings | Task, look: Look) -> Iterator[str]:
    texts = {"name": part.name, "description": part.description}
    if isinstance(part, Task):
        texts |= {"text": part.text, "extra": part.extra, "datasource": part.datasource or ""}
    else:
        texts["environment"] = part.environment
    for name, text in texts.items():
        lines = [no for no, line in enumerate(text.split("\n"), 1) if look(line)]
        if lines or look(text):
            at = f", line {lines[0]}" if lines and "\n" in text else ""
            yield f"{where}: {name}{at}"
    yield from (f"{where}: parameter {one.name}" for one in part.parameters if look(_named(one)) or look(one.value))
    yield from (f"{where}: resource {one}" for one in part.resources if look(one))


def _named(parameter: Parameter) -> str:
    return f"{parameter.name}={parameter.value}"
