"""The `Vault` port by AES-256-GCM: `v1:<key id>:<base64 of nonce and ciphertext>`.

The id of a key is a hash of it: it tells which key is needed and nothing about it.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wfgov_dagster.errors import CredentialMissing

SCHEME: Final = "v1"
_NONCE_BYTES: Final = 12  # NIST SP 800-38D: the length that GCM is made for
_ID_DIGITS: Final = 8
_ANEW: Final = "bring back the key, or give the engine its token anew: wfgov engine token NAME"


class AesVault:
    """`key`: makes one if `new` and there is none. Raises CredentialMissing."""

    def __init__(self, key: Callable[[bool], bytes], where: str) -> None:
        self._key = key
        self._where = where

    def seal(self, secret: str, about: str) -> str:
        key, nonce = self._key(True), secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, secret.encode(), about.encode())
        return f"{SCHEME}:{key_id(key)}:{base64.b64encode(nonce + sealed).decode()}"

    def unseal(self, sealed: str, about: str) -> str:
        scheme, _, rest = sealed.partition(":")
        wanted, _, text = rest.partition(":")
        if scheme != SCHEME:
            raise self._lost("it was sealed by another release, or is not sealed at all", about)
        key = self._key(False)
        if key_id(key) != wanted:
            raise self._lost(f"it was sealed with key {wanted}, and the key here is {key_id(key)}", about)
        try:
            raw = base64.b64decode(text, validate=True)
            if base64.b64encode(raw).decode() != text:  # the last letter has bits that decoding ignores
                raise InvalidTag
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise self._lost("it was changed, or sealed for another name or URL", about) from None

    def _lost(self, why: str, about: str) -> CredentialMissing:
        what = f"the token cannot be opened: {why}"
        return CredentialMissing(what, where=f"{about}, key from {self._where}", hint=_ANEW)


def key_id(key: bytes) -> str:
    return hashlib.sha256(b"wfgov key id\0" + key).hexdigest()[:_ID_DIGITS]
