"""What is sealed opens with the same key and about the same thing only; and no error tells the secret or the key."""

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from wfgov_dagster.errors import CredentialMissing
from wfgov_dagster.settings import Settings
from wfgov_dagster.vault.keys import key_of, place
from wfgov_dagster.vault.sealed import AesVault

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()
TOKEN = "c4n4ry-5e41ed-t0ken"
ABOUT = "engine ds at http://ds:12345"


def vault(file: Path, key: str | None = None) -> AesVault:
    secret = None if key is None else SecretStr(key)
    return AesVault(key_of(secret, file), place(secret, file))


@given(st.text(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_again(secret: str, about: str) -> None:
    known = vault(Path("nowhere"), KEY)
    sealed = known.seal(secret, about)
    assert known.unseal(sealed, about) == secret
    assert sealed != known.seal(secret, about), "each time with another nonce"


@pytest.mark.parametrize("about", ["engine other at http://ds:12345", "engine ds at http://evil:12345", ""])
def test_a_text_in_another_row_is_worth_nothing(about: str) -> None:
    known = vault(Path("nowhere"), KEY)
    with pytest.raises(CredentialMissing, match="sealed for another name or URL") as caught:
        known.unseal(known.seal(TOKEN, ABOUT), about)
    assert TOKEN not in caught.value.sentence()


def test_another_key_is_named_and_every_changed_letter_is_seen() -> None:
    sealed = vault(Path("nowhere"), KEY).seal(TOKEN, ABOUT)
    with pytest.raises(CredentialMissing, match=r"sealed with key \w{8}, and the key here is \w{8}") as caught:
        vault(Path("nowhere"), OTHER).unseal(sealed, ABOUT)
    assert "WFGOV_SECRET_KEY" in caught.value.where
    assert "wfgov engine token" in caught.value.hint
    for at in range(len(sealed)):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(CredentialMissing):
            vault(Path("nowhere"), KEY).unseal(changed, ABOUT)


def test_the_key_is_made_when_it_is_needed_first_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "home" / "secret.key"
    sealed = vault(file).seal(TOKEN, ABOUT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_bytes()
    assert vault(file).unseal(sealed, ABOUT) == TOKEN
    vault(file).seal(TOKEN, ABOUT)
    assert file.read_bytes() == kept
    assert [one.name for one in file.parent.iterdir()] == ["secret.key"]


def test_a_lost_key_is_said_and_none_is_made_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    sealed = vault(file).seal(TOKEN, ABOUT)
    file.unlink()
    with pytest.raises(CredentialMissing, match="the key is not there") as caught:
        vault(file).unseal(sealed, ABOUT)
    assert str(file) in caught.value.where
    assert caught.value.hint
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "short", "ä", KEY[:-4], TOKEN])
def test_a_file_that_holds_no_key_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret.key"
    file.write_text(text)
    file.chmod(0o600)
    for act in (lambda: vault(file).seal(TOKEN, ABOUT), lambda: vault(file).unseal("v1:0:0", ABOUT)):
        with pytest.raises(CredentialMissing) as caught:
            act()
        assert not text or text not in caught.value.sentence()
    assert file.read_text() == text


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    vault(file).seal(TOKEN, ABOUT)
    file.chmod(0o640)
    with pytest.raises(CredentialMissing, match="its mode is 640") as caught:
        vault(file).seal(TOKEN, ABOUT)
    assert caught.value.hint == f"chmod 600 {file}"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CredentialMissing, match="cannot be made") as caught:
        vault(tmp_path / "file" / "secret.key").seal(TOKEN, ABOUT)
    assert "WFGOV_SECRET_KEY" in caught.value.hint


def test_a_bad_key_in_the_environment_is_refused_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFGOV_SECRET_KEY", TOKEN)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert [TOKEN in str(one["msg"]) for one in caught.value.errors()] == [False]
    monkeypatch.setenv("WFGOV_SECRET_KEY", KEY)
    assert KEY not in repr(Settings())
