"""Logs: JSON lines on stderr, through the one filter that keeps secrets out of them."""

import json
import sys
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from wfgov_dagster.domain.redact import redact
from wfgov_dagster.settings import Settings

if TYPE_CHECKING:
    import structlog

_SHORTEST: Final = 4  # a shorter secret would cut every second word to pieces
_HIDDEN: Final = "***"
_NAMES: Final = ("password", "passwd", "secret", "token", "credential", "api_key", "apikey", "authorization")


class Redaction:
    """A filter: the secrets it was given, what looks like one, and whatever has the name of one become `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets: list[str] = []
        self._add(secrets)

    def learn(self, secret: str) -> None:
        """One that was read just now: as it is, and as it stands in a URL and in JSON."""
        self._add({secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]})

    def _add(self, secrets: Iterable[str]) -> None:
        known = {*self._secrets, *(one for one in secrets if len(one) >= _SHORTEST)}
        self._secrets = sorted(known, key=lambda one: (-len(one), one))

    def text(self, text: str) -> str:
        return redact(self.known(text))

    def known(self, text: str) -> str:
        """Without the secrets that it was given; whatever else looks like one stays."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def value(self, value: object) -> object:
        """Texts however deep, keys included; other things by what they say of themselves."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self._named(str(name), one) for name, one in value.items()}
            case Sequence() if not isinstance(value, bytes):
                return [self.value(one) for one in value]
            case _:
                return self.text(str(value))

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """As a processor of structlog."""
        return {name: self._named(name, value) for name, value in event.items()}

    def _named(self, name: str, value: object) -> object:
        secret = value is not None and any(part in name.lower().replace("-", "_") for part in _NAMES)
        return _HIDDEN if secret else self.value(value)


def redaction(settings: Settings) -> Redaction:
    return Redaction(_secrets(settings))


def logger(filter_: Redaction, stream: TextIO | None = None) -> "structlog.typing.WrappedLogger":
    """`stream`: None = stderr, whatever that is by then."""
    import structlog  # noqa: PLC0415 - only who logs loads it

    return structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            filter_,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _secrets(settings: Settings) -> set[str]:
    """What settings hold, and the password inside a URL, as it is written there and as it is meant."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and value.get_secret_value():
            found.add(value.get_secret_value())
            password = _password(value.get_secret_value())
            found |= {password, unquote(password)}
    return found


def _password(text: str) -> str:
    try:
        return urlsplit(text).password or ""
    except ValueError:
        return ""
