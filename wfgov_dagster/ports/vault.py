"""The door to secrets at rest."""

from typing import Protocol


class Vault(Protocol):
    """Encrypts what is written into the database. Neither its texts nor its errors ever hold the secret or the key."""

    def seal(self, secret: str, about: str) -> str:
        """Ciphertext that opens only together with the same `about`: a row's text in another row is worth nothing.

        Raises CredentialMissing when there is no key and none can be made.
        """

    def unseal(self, sealed: str, about: str) -> str:
        """Raises CredentialMissing: no key, another key than it was sealed with, or it is not about this."""
