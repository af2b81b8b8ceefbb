"""One SQL statement's tree → the tables it reads and writes. No recursion: trees may be very deep to the left.

A name without a schema that an enclosing WITH defines is that CTE, from the next CTE on (WITH RECURSIVE: everywhere).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

Name = tuple[str, ...]  # the parts of a table's name, as written, without quotes
Scope = frozenset[str]  # names of CTEs, case folded
Visit = tuple[exp.Expr, Scope]

KINDS_WITH_ROWS = frozenset({"TABLE", "VIEW", "MODEL"})
# Arguments that mention tables without reading or writing them, or that are dealt with by name.
ASIDE = frozenset({"hint", "locks", "properties", "with_"})
DATA_FILE = re.compile(r".*(/|\\|\.(csv|tsv|txt|parquet|json|jsonl|ndjson|xlsx|arrow)(\.(gz|zst))?$)", re.IGNORECASE)


@dataclass(slots=True)
class Found:
    """What one statement does, before anything is known of the statements around it."""

    reads: list[Name] = field(default_factory=list)
    writes: list[Name] = field(default_factory=list)
    made: list[Name] = field(default_factory=list)  # CREATE TABLE / VIEW, filled or not
    temporary: list[Name] = field(default_factory=list)
    views: list[Name] = field(default_factory=list)


def find(statement: exp.Expr) -> Found:
    found = Found()
    open_visits: list[Visit] = [(statement, frozenset())]
    while open_visits:
        node, scope = open_visits.pop()
        inside, scope = _with(node, scope)
        open_visits += inside
        open_visits += [(child, scope) for child in _visit(node, scope, found)]
    return found


def name_of(node: object) -> Name | None:
    """The name of a table's node; None for what only stands in a table's place (function, stage, variable, #table)."""
    table = node.this if isinstance(node, exp.Schema) else node
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier | exp.Dot):
        return None
    if any(part.args.get("temporary") for part in table.parts):
        return None
    return tuple(part.name for part in table.parts)


def _with(node: exp.Expr, scope: Scope) -> tuple[list[Visit], Scope]:
    """The CTEs to visit, each with what it sees, and what the statement itself sees."""
    clause = node.args.get("with_")
    if clause is None:
        return [], scope
    if clause.args.get("recursive"):
        scope |= {cte.alias.casefold() for cte in clause.expressions}
    visits = []
    for cte in clause.expressions:
        visits.append((cte.this, scope))
        scope |= {cte.alias.casefold()}
    return visits, scope


def _visit(node: exp.Expr, scope: Scope, found: Found) -> Iterator[exp.Expr]:
    """Notes what `node` itself reads or writes; yields what is left to look at."""
    match node:
        case exp.Table():
            name = name_of(node)
            if name is not None and not _is_cte_or_file(node, name, scope):
                found.reads.append(name)
            yield from _children(node, "db", "catalog", *(["this"] if name is not None else []))
        case exp.Create():
            yield from _create(node, found)
        case exp.Update() | exp.Delete():
            yield from _change(node, found)
        case exp.Insert() | exp.Merge() | exp.Into() | exp.LoadData():
            yield from _target(node.this, found)
            yield from _children(node, "this")
        case exp.Copy():
            into = node.args.get("kind")
            yield from _target(node.this, found) if into else [node.this]
            yield from node.args.get("files") or ()
        case exp.TruncateTable():
            for table in node.expressions:
                yield from _target(table, found)
        case exp.Cache():
            found.temporary += filter(None, [name_of(node.this)])
            yield from _children(node, "this")
        case _:
            yield from _children(node)


def _create(node: exp.Create, found: Found) -> Iterator[exp.Expr]:
    name = name_of(node.this)
    if str(node.args.get("kind")).upper() not in KINDS_WITH_ROWS or name is None:
        return  # a schema, an index, a function: nothing is read or written yet
    properties = list(node.args["properties"].expressions) if node.args.get("properties") else []
    query, clone = node.args.get("expression"), node.args.get("clone")
    found.made.append(name)
    if any(isinstance(p, exp.TemporaryProperty) for p in properties):
        found.temporary.append(name)
    elif query is not None or clone is not None:
        found.writes.append(name)
        materialized = any(isinstance(p, exp.MaterializedProperty) for p in properties)
        if str(node.args["kind"]).upper() == "VIEW" and not materialized:
            found.views.append(name)
    found.writes += filter(None, (name_of(p.this) for p in properties if isinstance(p, exp.ToTableProperty)))
    yield from (part for part in (query, clone) if part is not None)


def _change(node: exp.Update | exp.Delete, found: Found) -> Iterator[exp.Expr]:
    """UPDATE and DELETE may name their target by an alias that only FROM explains (SQL Server, MySQL)."""
    named = node.args.get("tables") or [node.this]
    aliased = {t.alias.casefold(): t for t in _from_clause(node) if t.alias}
    targets = [aliased.get(t.name.casefold(), t) if isinstance(t, exp.Table) and not t.db else t for t in named]
    for target in targets:
        yield from _target(target, found)
    seen = {id(target) for target in (*named, *targets)}
    for child in _children(node, "tables"):
        if isinstance(child, exp.From) and id(child.this) in seen:
            yield from _children(child, "this")
        elif id(child) not in seen:
            yield child


def _from_clause(node: exp.Expr) -> Iterator[exp.Table]:
    clause = node.args.get("from_")
    for first in (node.this, clause.this if clause is not None else None):
        if isinstance(first, exp.Table):
            yield first
            yield from (join.this for join in first.args.get("joins") or () if isinstance(join.this, exp.Table))


def _target(node: object, found: Found) -> Iterator[exp.Expr]:
    name = name_of(node)
    if name is not None:
        found.writes.append(name)
    if isinstance(node, exp.Table):
        yield from _children(node, "this", "db", "catalog")
    elif isinstance(node, exp.Subquery):  # an updatable query: what it reads is read
        yield node


def _children(node: exp.Expr, *without: str) -> Iterator[exp.Expr]:
    for key, value in node.args.items():
        if key in ASIDE or key in without:
            continue
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr):
                yield child


def _is_cte_or_file(table: exp.Table, name: Name, scope: Scope) -> bool:
    if len(name) > 1:
        return False
    quoted = bool(table.this.args.get("quoted"))
    return name[0].casefold() in scope or (quoted and DATA_FILE.fullmatch(name[0]) is not None)
