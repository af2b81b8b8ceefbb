"""How a result is printed: JSON and YAML of the value itself, or tables and lines for people."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import east_asian_width

import click

_WIDE = 1_000_000  # YAML shall not fold lines


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Table:
    """Values as they are; None is shown as `-`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


Block = str | Table


def fields(pairs: Iterable[tuple[str, object]]) -> Table:
    """One line a name, without a header."""
    return Table((), [(f"{name}:", value) for name, value in pairs])


def put(value: object, blocks: Iterable[Block], format_: Format) -> None:
    """`value`: what JSON and YAML say; `blocks`: what people read instead."""
    if format_ is Format.JSON:
        click.echo(as_json(value))
    elif format_ is Format.YAML:
        import orjson
        import yaml

        plain = orjson.loads(as_json(value))
        click.echo(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=_WIDE), nl=False)
    else:
        _put_blocks(blocks)


def as_json(value: object) -> bytes:
    """Times in UTC with Z, keys in their own order."""
    import orjson

    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)


def clean(text: str) -> str:
    """Whoever wrote a task shall not steer somebody's terminal: control characters become visible."""
    return "".join(one if one in "\n\t" or one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def _put_blocks(blocks: Iterable[Block]) -> None:
    """On a screen tables wrap by rich; elsewhere a row is one whole line, and nothing has to be loaded for it."""
    draw = _draw if sys.stdout.isatty() else _write
    for at, block in enumerate(blocks):
        if at:
            click.echo()
        if isinstance(block, str):
            click.echo(clean(block))
            continue
        if block.title:
            click.echo(clean(block.title))
        draw(block)


def _write(table: Table) -> None:
    rows = [[clean(_shown(value)).replace("\n", "\\n") for value in row] for row in table.rows]
    if table.columns:
        rows.insert(0, list(table.columns))
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _width(text: str) -> int:
    """On a screen: Chinese characters are two wide."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _draw(table: Table) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(table.columns))
    for name in table.columns or ("", ""):
        drawn.add_column(name, header_style="bold", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(clean(_shown(value))) for value in row))
    Console(highlight=False).print(drawn)


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case str():
            return value
        case Sequence():
            return ", ".join(_shown(one) for one in value)
        case _:
            return str(value)
