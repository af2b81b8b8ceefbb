"""Which nodes speak SQL, and which."""

from typing import Final

from wfgov_dagster.domain import extra
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.workflow_engine import engine_for

SQL_TYPES: Final = frozenset({"SQL"})
SCRIPTED_SQL: Final = frozenset({"SPARK", "FLINK"})  # their text is SQL unless `programType` says otherwise
_SQL_PROGRAM: Final = "SQL"
_DIALECTS: Final = {"embedded": "duckdb"}
_USUAL_DIALECT: Final = "mysql"


def speaks_sql(node_type: str, told: str) -> bool:
    """`told`: what else its node type needs, see extra.py. Raises InvalidInput for what is no such text."""
    if node_type in SCRIPTED_SQL:
        return bool(extra.unpack(told).get("programType", _SQL_PROGRAM) == _SQL_PROGRAM)
    return node_type in SQL_TYPES


def dialect_of(engine_kind: str) -> str:
    """As sqlglot names it; people may say another one."""
    return _DIALECTS.get(engine_kind, _USUAL_DIALECT)


def dialect_for(store: Store, workflow_code: str, default_engine: str) -> str:
    """Of the engine that the workflow is published to. The embedded one may not be registered yet."""
    name = engine_for(store, workflow_code, None, default_engine)
    with store.read() as work:
        kinds = {one.name: one.kind for one in work.publishing.engines()}
    return dialect_of(kinds.get(name, name))
