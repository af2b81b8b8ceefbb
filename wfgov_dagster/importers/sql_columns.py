"""Which columns one SQL text fills, and which it reads. Whatever is not sure is "not known": never a guess.

Only for texts whose tables are known already (sql_lineage.py): what it cannot parse does not come here.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from wfgov_dagster.domain.sql_change import Column, Written
from wfgov_dagster.importers.sql_find import name_of
from wfgov_dagster.importers.sql_guard import parse
from wfgov_dagster.importers.sql_lineage import read_tables
from wfgov_dagster.ports.metadata import BadRow

_MORE_ROWS = (exp.UDTF, exp.Explode, exp.GenerateSeries)  # a projection that makes rows


def outputs(text: str, dialect: str, normal: Callable[[str], str]) -> tuple[Written, ...] | None:
    """By column only for the table of the one query that fills one; `normal`: a text without its formatting."""
    found = read_tables(text, dialect, "")
    if isinstance(found, BadRow) or found.unknown:
        return None
    statements = _statements(text, dialect)
    filling = [one for one in statements if isinstance(one, exp.Insert | exp.Create) and _select(one) is not None]
    one = _by_column(filling[0], statements, dialect, normal) if len(filling) == 1 else None
    whole = normal(text)
    return tuple(
        one if one is not None and one.table.casefold() == table.casefold() else Written(table, None, whole)
        for table in found.writes
    )


def columns_read(text: str, dialect: str, table: str) -> frozenset[str] | None:
    """Every name that could be one of its columns; one that an alias of another table qualifies cannot."""
    names: set[str] = set()
    for statement in _statements(text, dialect):
        others = _other_aliases(statement, table)
        if others is None or _reads_all(statement):
            return None
        names |= {node.name.casefold() for node in statement.find_all(exp.Identifier) if _may_be_read(node, others)}
    return frozenset(names)


def _may_be_read(node: exp.Identifier, others: set[str]) -> bool:
    """Not a part of a table's name, a new name for a column, or a column of another table."""
    match node.parent:
        case exp.Table() | exp.Schema():
            return False
        case exp.Alias() as named:
            return named.args.get("alias") is not node
        case exp.Column() as column if column.this is node:
            return column.table.casefold() not in others
        case _:
            return True


def _statements(text: str, dialect: str) -> list[exp.Expr]:
    speaker = Dialect.get_or_raise(dialect)
    return parse(speaker, speaker.tokenize(text), text)


def _select(statement: exp.Expr) -> exp.Select | None:
    query = statement.args.get("expression")
    while isinstance(query, exp.Subquery):
        query = query.this
    return query if isinstance(query, exp.Select) else None


def _by_column(
    filling: exp.Expr, statements: Sequence[exp.Expr], dialect: str, normal: Callable[[str], str]
) -> Written | None:
    """None where a column has no name, or several have the same."""
    target, query = name_of(filling.this), _select(filling)
    if target is None or query is None or (isinstance(filling, exp.Create) and isinstance(filling.this, exp.Schema)):
        return None
    listed = filling.this.expressions if isinstance(filling.this, exp.Schema) else []
    names = [one.name for one in listed] or [one.alias_or_name for one in query.expressions]
    if len(names) != len(query.expressions) or not all(names) or "*" in names:
        return None
    if len({name.casefold() for name in names}) != len(names) or _reads_all(query):
        return None

    def told(node: exp.Expr) -> str:
        return normal(node.sql(dialect, comments=False))

    columns = tuple(
        Column(*pair) for pair in zip(names, (told(one.unalias()) for one in query.expressions), strict=True)
    )
    rest = [told(_frame(one, query) if one is filling else one) for one in statements]
    by_place = isinstance(filling, exp.Insert) and not listed
    return Written(".".join(target), columns, "\n;\n".join(rest), by_place)


def _frame(filling: exp.Expr, query: exp.Select) -> exp.Expr:
    """The statement without what it selects, unless that decides which rows come."""
    decides = query.args.get("distinct") is not None or _by_number(query)
    kept = [one.copy() for one in query.expressions if decides or one.find(*_MORE_ROWS)]
    frame = filling.copy()
    inner = _select(frame)
    assert inner is not None, "it is a copy of one that has a query"
    inner.set("expressions", kept or [exp.Null()])
    if isinstance(frame.this, exp.Schema):
        frame.set("this", frame.this.this)
    return frame


def _by_number(query: exp.Select) -> bool:
    """GROUP BY 1, ORDER BY ALL and the like hang on the projections, and so does what names one by its alias. In WHERE
    a column of a table comes before an alias of its name; that there is one is known where the alias is made of it."""
    named = [one for one in query.expressions if isinstance(one, exp.Alias)]
    aliases = {one.alias.casefold() for one in named}
    hidden = {one.alias.casefold() for one in named if one.alias.casefold() in _columns(one.this)}
    for clause in ("group", "order", "having", "qualify", "where", "distinct"):
        part = query.args.get(clause)
        if part is None:
            continue
        if part.args.get("all") or any(_is_number(one) for one in part.expressions):
            return True
        if _columns(part) & (aliases - hidden if clause == "where" else aliases):
            return True
    return False


def _columns(node: exp.Expr) -> set[str]:
    """Names without a table before them."""
    return {one.name.casefold() for one in node.find_all(exp.Column) if not one.table}


def _is_number(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Ordered) else node
    return isinstance(inner, exp.Literal) or (isinstance(inner, exp.Column) and inner.name.upper() == "ALL")


def _reads_all(statement: exp.Expr) -> bool:
    """`*`, but not that of count(*); a NATURAL join names no column at all."""
    stars = (one for one in statement.find_all(exp.Star) if not isinstance(one.parent, exp.Count))
    natural = (one for one in statement.find_all(exp.Join) if str(one.args.get("method")).upper() == "NATURAL")
    return next(stars, None) is not None or next(natural, None) is not None


def _other_aliases(statement: exp.Expr, table: str) -> set[str] | None:
    """What qualifies columns of other tables. None: the table itself stands as an alias of something else."""
    own: set[str] = set()
    others: set[str] = set()
    for node in statement.find_all(exp.Table):
        name = name_of(node)
        alias = node.alias_or_name.casefold()
        is_it = name is not None and ".".join(name).casefold() == table.casefold()
        (own if is_it else others).add(alias)
    return others - own if own else None
