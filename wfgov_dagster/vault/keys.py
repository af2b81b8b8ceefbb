"""Where the key comes from: a variable, or a file that only its owner reads."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from wfgov_dagster.errors import CredentialMissing
from wfgov_dagster.settings import KEY_BYTES, key_bytes

_ANEW = "bring back the key, or set WFGOV_SECRET_KEY; if it is lost: wfgov engine token NAME gives the token anew"


def key_of(text: SecretStr | None, file: Path) -> Callable[[bool], bytes]:
    """The key of the variable, else the one in the file. Asked for a new one it makes the file if there is none."""

    def key(new: bool) -> bytes:
        if text is not None:
            return key_bytes(text.get_secret_value())
        if new and not file.exists():
            _make(file)
        return _read(file)

    return key


def place(text: SecretStr | None, file: Path) -> str:
    """For people."""
    return str(file) if text is None else "WFGOV_SECRET_KEY"


def _make(file: Path) -> None:
    """Whole or not at all, and never over another one: of two who make it at the same time, one does."""
    half = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(half, file)
        except FileExistsError:
            return
        finally:
            half.unlink()
    except OSError as exc:
        what = f"the key's file cannot be made: {exc.strerror}"
        raise CredentialMissing(what, where=str(file), hint="set WFGOV_SECRET_KEY or WFGOV_SECRET_KEY_FILE") from None


def _read(file: Path) -> bytes:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise CredentialMissing("the key is not there", where=str(file), hint=_ANEW) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise CredentialMissing(f"the key cannot be read: {type(exc).__name__}", where=str(file), hint=_ANEW) from None
    if mode & 0o077:
        what = f"others may read the key: its mode is {mode & 0o777:o}"
        raise CredentialMissing(what, where=str(file), hint=f"chmod 600 {file}")
    try:
        return key_bytes(text)
    except ValueError as exc:
        raise CredentialMissing(str(exc), where=str(file), hint=_ANEW) from None
