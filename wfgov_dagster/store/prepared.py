"""Statements that are built once: with SQLAlchemy that takes longer than to execute them."""

from collections.abc import Callable
from functools import cache, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeAlias, cast

import sqlalchemy as sa

P = ParamSpec("P")
Statement: TypeAlias = tuple[sa.Executable, dict[str, Any]]


def prepared(build: Callable[P, sa.Executable]) -> Callable[P, Statement]:
    """What `conn.execute(*…)` takes. `build` is called once, with a bound parameter for each argument: it may not look
    at them, and none may be NULL where it is compared."""
    names = tuple(signature(build).parameters)
    keys = tuple(f"given_{name}" for name in names)  # SQLAlchemy keeps the names of columns for itself

    @cache
    def statement() -> sa.Executable:
        return cast("Callable[..., sa.Executable]", build)(*map(sa.bindparam, keys))

    @wraps(build)
    def bound(*values: P.args, **named: P.kwargs) -> Statement:
        given = (*values, *(named[name] for name in names[len(values) :]))
        return statement(), dict(zip(keys, given, strict=True))

    return bound
