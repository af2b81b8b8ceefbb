"""wfgov settings"""

import re
from pathlib import Path

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Table
from wfgov_dagster.cli.session import Session, command


@command(cli, "settings")
def show_settings(session: Session) -> None:
    """Show all settings and the variables that set them; secrets as ***."""
    settings = session.settings
    values = {name: _shown(getattr(settings, name)) for name in type(settings).model_fields}
    rows = [
        (name, values[name], f"WFGOV_{name.upper()}", field.description or "")
        for name, field in type(settings).model_fields.items()
    ]
    session.put(values, Table(("setting", "value", "variable", "meaning"), rows))


def _shown(value: object) -> object:
    secret = getattr(value, "get_secret_value", None)
    if secret is not None:
        return _masked(secret()) if "://" in secret() else "***"
    if isinstance(value, Path):
        return str(value)
    return _masked(value) if isinstance(value, str) else value


def _masked(text: str) -> str:
    """A URL without what may be secret: all before its last @, and the values of its parameters."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    _, at, host = rest.rpartition("@")
    return f"{scheme}://{'***@' if at else ''}{re.sub(r'=[^&]*', '=***', host)}"
