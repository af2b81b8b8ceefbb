"""One .sql file of a task: its header, its text and its tables, or why it is refused."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wfgov_dagster.importers.sql_header import Header, read_header
from wfgov_dagster.importers.sql_lineage import SqlTables, read_tables
from wfgov_dagster.ports.metadata import BadRow

MAX_BYTES = 1_000_000  # sqlglot reads about 100,000 bytes a second
NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A good file. `reads` and `writes` are what the parser found, corrected by the header."""

    path: str
    code: str
    header: Header
    text: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    views: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


def code_of(path: str) -> str:
    return PurePosixPath(path).name[: -len(".sql")]


def read_file(file: Path, path: str, dialect: str) -> SqlFile | list[BadRow]:
    """`path` is the file's path below the folder: what people are told."""
    text = _text(file)
    if isinstance(text, _Unreadable):
        return [BadRow(path, text.line, text.reason)]
    code = code_of(path)
    if len(code) > NAME_LIMIT or not code.isprintable():
        return [BadRow(path, 1, f"a task's code is its file's name: at most {NAME_LIMIT} printable characters")]
    head = read_header(text, path)
    if isinstance(head, list):
        return head
    header, sql = head
    found = read_tables(sql, dialect, path)
    if isinstance(found, BadRow):
        return [found]
    return _corrected(SqlFile(path, code, header, sql.lstrip("\r\n"), (), (), found.views, found.unknown), found)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    line: int
    reason: str


def _text(file: Path) -> str | _Unreadable:
    try:
        if file.exists() and not file.is_file():
            return _Unreadable(1, "cannot be read: it is no regular file")  # opening a pipe would wait for ever
        size = file.stat().st_size
        if size > MAX_BYTES:
            return _Unreadable(1, f"{size:,} bytes of SQL; a file may have {MAX_BYTES:,}. Split it into several tasks")
        said = file.read_bytes()
        text = said.decode("utf-8-sig")
    except OSError as exc:
        return _Unreadable(1, f"cannot be read: {exc.strerror}")
    except UnicodeDecodeError as exc:
        return _Unreadable(said.count(b"\n", 0, exc.start) + 1, f"not UTF-8 from byte {exc.start} on")
    if "\0" in text:
        return _Unreadable(text.count("\n", 0, text.index("\0")) + 1, "holds a NUL character")
    return text


def _corrected(file: SqlFile, found: SqlTables) -> SqlFile | list[BadRow]:
    tables: dict[str, tuple[str, ...]] = {}
    for key, parsed, said in (("reads", found.reads, file.header.reads), ("writes", found.writes, file.header.writes)):
        gone = {name[1:] for name in said if name.startswith("-")}
        if unfound := gone.difference(parsed):
            reason = f"the header's {key} takes away what the SQL does not name: {', '.join(sorted(unfound))}"
            return [BadRow(file.path, 1, reason)]
        added = (name for name in said if not name.startswith("-"))
        tables[key] = tuple(sorted({*parsed, *added} - gone))
    names = {*tables["reads"], *tables["writes"]}
    if bad := sorted(name for name in names if len(name) > NAME_LIMIT or not name.isprintable()):
        return [BadRow(file.path, 1, f"a table's name has at most {NAME_LIMIT} printable characters: {bad[0][:80]!r}")]
    if file.code in file.header.depends_on:
        return [BadRow(file.path, 1, f"depends_on: {file.code} cannot depend on itself")]
    views = tuple((up, view) for up, view in file.views if up in tables["reads"] and view in tables["writes"])
    return replace(file, reads=tables["reads"], writes=tables["writes"], views=views)
