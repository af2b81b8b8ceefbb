"""wfgov version export, wfgov version import"""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from wfgov_dagster.cli.candidates import lines_of as changes
from wfgov_dagster.cli.groups import version_group
from wfgov_dagster.cli.output import Format, clean, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import NumberOrPublished, VersionNumber
from wfgov_dagster.errors import InvalidInput

if TYPE_CHECKING:
    from wfgov_dagster.domain.export import Exported
    from wfgov_dagster.usecases.import_version import ImportPlan

_FORMS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".md": "table"}


@command(version_group, "export")
@click.argument("code", metavar="CODE")
@click.argument("number", metavar="N", type=NumberOrPublished())
@click.option("--file", "path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Where to: .json, .yaml, .yml, or .md for the report; else stdout, as -o says.")  # fmt: skip
@click.option("--vouch", is_flag=True, help="What looks like a secret is none; that you said so is on record.")
def export_command(session: Session, code: str, number: int | str, path: Path | None, vouch: bool) -> None:
    """Write a version out: with -o json or yaml whole, to be imported elsewhere; else as a report in Markdown.

    N may be `published`: the last of those. A document that holds a secret of this installation does not leave, nor one
    that looks as if it held any, unless you vouch; in the report such places are `***`.
    """
    from wfgov_dagster.usecases.export_version import export_version

    form = session.format.value if path is None else _form(path)
    exported = export_version(session.platform.store, code, number if isinstance(number, int) else None)
    text = _text(session, exported, form, vouch=vouch)
    if path is None:
        click.echo(text, nl=False)
        return
    _write(path, text)
    told = {"workflow_code": code, "version_no": exported.version_no, "content_hash": exported.content_hash}
    session.put(told | {"file": str(path)}, f"{code} V{exported.version_no} ({exported.content_hash}) → {path}")


@command(version_group, "import")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option("--onto", metavar="N", type=VersionNumber(),
              help="Put it on V<N>, which is current here, whatever it was made upon.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only show what would come of it.")
def import_command(session: Session, file: IO[bytes], onto: int | None, dry_run: bool) -> None:
    """Read an exported version in, JSON or YAML; `-` is stdin. Its content hash is checked, then it is the same here.

    A workflow that is not here is made, with its tasks and settings as metadata of a source of its own. In one that is
    here it becomes the next version, if its content is another one, its tasks are in the workflow, and it was made upon
    what is current here, or --onto says so. Where the metadata here say something else, the workflow is then pinned.
    Nothing is published. An imported version is a baseline: `wfgov rollback` can always go back to it.
    """
    from wfgov_dagster.domain.export import read
    from wfgov_dagster.usecases.import_version import import_version, preview_import
    from wfgov_dagster.wiring import read_version

    exported = read(read_version(file.read(), getattr(file, "name", "stdin")))
    store = session.platform.store
    if dry_run:
        plan = preview_import(store, exported, onto)
        session.put(_value(plan), f"dry run: {_sentence(plan)}", *_blocks(plan))
        return
    done = import_version(store, session.actor, exported, onto)
    session.say(f"warning: {one}" for one in done.plan.warnings)
    value = _value(done.plan) | {
        "version": None if done.version is None else asdict(done.version),
        "pin": None if done.pin is None else asdict(done.pin),
    }
    if done.version is None:
        session.put(value, _sentence(done.plan))
        return
    lines = [
        ("workflow", exported.workflow_code),
        ("new version", f"V{done.version.version_no}: {done.version.change_summary}"),
        ("content hash", done.version.content_hash),
        ("imported from", exported.origin),
        *([] if done.pin is None else [("pinned", done.pin.sentence())]),
    ]
    session.put(value, fields(lines))


def _form(path: Path) -> str:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise InvalidInput(f"{path.name!r} has none of the endings {', '.join(_FORMS)}", where="--file")
    return form


def _text(session: Session, exported: "Exported", form: str, *, vouch: bool) -> str:
    from wfgov_dagster.domain.export import value
    from wfgov_dagster.usecases.export_version import Vouched, check_export, readable
    from wfgov_dagster.wiring import version_text

    secrets = session.platform.secrets()
    if form == Format.TABLE:
        return "".join(f"{clean(line)}\n" for line in readable(exported, secrets))
    check_export(exported, secrets, Vouched(session.platform.store, session.actor) if vouch else None)
    return version_text(value(exported), form)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as exc:
        with suppress(OSError):
            part.unlink()
        raise InvalidInput(f"it cannot be written: {exc.strerror or exc}", where=str(path)) from exc


def _value(plan: "ImportPlan") -> dict[str, object]:
    exported = plan.exported
    return {
        "workflow_code": exported.workflow_code,
        "state": plan.state,
        "content_hash": exported.content_hash,
        "origin": exported.origin,
        "current_version_no": plan.current_version_no,
        "diff": asdict(plan.diff),
        "pins": plan.pins,
        "warnings": plan.warnings,
    }


def _sentence(plan: "ImportPlan") -> str:
    code = plan.exported.workflow_code
    if plan.state == "same content":
        return f"{code}: V{plan.current_version_no} has this content already, nothing to do"
    upon = "" if plan.current_version_no is None else f" upon V{plan.current_version_no}"
    return f"{code}: {plan.state}{upon} from {plan.exported.origin}{', pinned' if plan.pins else ''}"


def _blocks(plan: "ImportPlan") -> list[str]:
    told = changes(plan.diff) + [f"warning: {one}" for one in plan.warnings]
    return ["\n".join(told)] if told else []
