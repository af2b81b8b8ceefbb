"""Tokens of engines: where they are kept, and how they are read when they are needed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from wfgov_dagster.errors import CredentialMissing, InvalidInput
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.vault import Vault

SEALED: Final = "sealed"
ENV: Final = "env:"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_TOKEN: Final = re.compile(r"[!#-\[\]-~]{8,1000}")  # what a header takes, but for what JSON would write otherwise
_OURS: Final = "WFGOV_"


@dataclass(frozen=True, slots=True)
class Given:
    """A token as a person gives it: itself, or the variable that holds it."""

    text: SecretStr | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """`variable` reads one of the environment. `learn` hears of every token that is read, so that no log shows it."""

    vault: Vault
    variable: Callable[[str], str | None]
    learn: Callable[[str], None] = lambda _token: None

    def check(self, given: Given) -> SecretStr:
        """The token. Raises InvalidInput that does not tell it."""
        if (given.text is None) == (given.variable is None):
            raise InvalidInput("which token?", where="token", hint="--token-env VAR or --token-stdin")
        if given.text is not None:
            return self._checked(given.text.get_secret_value(), "token")
        name = given.variable or ""
        if not _VARIABLE.fullmatch(name):
            raise InvalidInput("that is no name of a variable", where="token", hint="--token-env DOLPHIN_TOKEN")
        if name.upper().startswith(_OURS):
            raise InvalidInput(
                f"{name} is a setting of ours", where="token", hint="a variable that holds the token only"
            )
        found = self.variable(name)
        if not found:
            raise InvalidInput(f"the variable {name} is not set", where="token", hint=f"export {name}, then again")
        return self._checked(found, f"variable {name}")

    def keep(self, given: Given, name: str, url: str | None) -> tuple[str, str | None]:
        """What goes into the row: a reference, and ciphertext unless it is a variable. Raises CredentialMissing."""
        if given.text is None:
            return f"{ENV}{given.variable}", None
        return SEALED, self.vault.seal(self.check(given).get_secret_value(), _about(name, url))

    def token(self, engine: RegisteredEngine) -> SecretStr:
        """Raises CredentialMissing."""
        ref = engine.credential_ref or ""
        where = f"engine {engine.name}"
        if ref == SEALED and engine.credential_sealed:
            token = self.vault.unseal(engine.credential_sealed, _about(engine.name, engine.url))
            self.learn(token)
            return SecretStr(token)
        if not ref.startswith(ENV):
            raise CredentialMissing("it has no token", where=where, hint=f"wfgov engine token {engine.name}")
        name = ref.removeprefix(ENV)
        found = None if name.upper().startswith(_OURS) else self.variable(name)  # whatever is written into the row
        if not found:
            hint = f"set it for every process of this installation, or: wfgov engine token {engine.name}"
            raise CredentialMissing(f"the variable {name} is not set", where=where, hint=hint)
        try:
            return self._checked(found, f"variable {name}")
        except InvalidInput as exc:
            raise CredentialMissing(str(exc), where=f"{where}, {exc.where}", hint=exc.hint) from None

    def _checked(self, text: str, where: str) -> SecretStr:
        stripped = text.strip()
        self.learn(stripped)
        if not _TOKEN.fullmatch(stripped):
            what = "that is no token: 8 to 1000 visible ASCII characters, no space, quote or backslash"
            raise InvalidInput(what, where=where, hint="copy it anew from the server's page of tokens")
        return SecretStr(stripped)


def _about(name: str, url: str | None) -> str:
    """Bound to both: the token of one server is never sent to another one, whatever is written into the database."""
    return f"engine {name} at {url or 'no address'}"
