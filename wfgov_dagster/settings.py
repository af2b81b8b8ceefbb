"""What a person may set, read once from WFGOV_* variables and frozen. Nothing else reads the environment."""

import base64
import binascii
import getpass
import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parents[1]  # sql/ and the samples are found relative to it


KEY_BYTES = 32


def key_bytes(text: str) -> bytes:
    """A key as people keep it. Raises ValueError that does not tell it."""
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes in base64, as `openssl rand -base64 {KEY_BYTES}` makes them")
    return key


def variable(name: str) -> str | None:
    """A variable that is not ours, which a person named as the place of a secret: read when it is needed, not kept."""
    return os.environ.get(name)


class Settings(BaseSettings):
    """`database_url` may hold a password, so it is secret: it is shown as `***`."""

    model_config = SettingsConfigDict(env_prefix="WFGOV_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".wfgov"), description="Folder that holds all state of this installation.")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the platform's database; absent: SQLite in the home folder."
    )
    actor: str = Field(default="", max_length=100, description="Who acts; empty: the user of the operating system.")
    time_zone: str = Field(default="UTC", description="IANA zone of schedules that name none.")
    default_engine: str = Field(default="embedded", description="Engine that a publish uses when none is named.")
    webserver_url: str = Field(default="http://127.0.0.1:3000", description="Where Dagster's webserver answers.")
    lease_seconds: int = Field(default=60, ge=1, le=3600, description="How long a publisher holds a workflow.")
    settle_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="How old an unknown write must be before an observation confirms it."
    )
    call_seconds: float | None = Field(
        default=None, gt=0, le=1800, description="Longest call to an engine; absent: a third of lease_seconds."
    )
    publish_attempts: int = Field(default=8, ge=1, le=100, description="Failed attempts after which a publish stops.")
    publish_deadline_seconds: float = Field(
        default=1800.0, gt=0, le=604_800, description="How long a publish is tried before it stops."
    )
    backoff_first_seconds: float = Field(default=1.0, gt=0, le=3600, description="Longest first wait of a retry.")
    backoff_longest_seconds: float = Field(default=60.0, gt=0, le=3600, description="Longest wait between retries.")
    breaker_rest_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="How long an engine that does not answer is left alone."
    )
    sweep_horizon_seconds: float = Field(
        default=3600.0, ge=0, le=604_800, description="How long a write without a reply is looked for on its engine."
    )
    publish_parallel: int = Field(
        default=4, ge=1, le=64, description="Workflows of a change set that are published side by side."
    )
    engine_writes_per_second: float = Field(
        default=10.0, ge=0, le=1000, description="Writes to one engine, whoever writes; 0: no limit."
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Key that tokens are sealed with: 32 bytes in base64; absent: secret_key_file."
    )
    secret_key_file: Path | None = Field(
        default=None, description="File that holds the key; absent: secret.key in the home folder, made when needed."
    )
    sweep_seconds: float = Field(default=60.0, gt=0, le=3600, description="How often it is looked for.")
    busy_timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="How long SQLite waits for a lock.")
    task_slots: int = Field(default=2, ge=1, le=64, description="Tasks that the embedded engine runs side by side.")
    heartbeat_seconds: float = Field(default=2.0, gt=0, le=60, description="How often a running instance says so.")
    catalogue_limit: int = Field(default=2000, ge=0, le=20000, description="Governed tables shown as external assets.")
    rebuild_above_rows: int = Field(default=50_000, ge=1, description="Open changes from which a rebuild is quicker.")

    @field_validator("call_seconds")
    @classmethod
    def _fits_into_a_lease(cls, seconds: float | None, info: ValidationInfo) -> float | None:
        if seconds is not None and seconds >= info.data.get("lease_seconds", seconds + 1):
            raise ValueError("it has to be shorter than lease_seconds")
        return seconds

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; an IANA name, for example Europe/Berlin") from None

    @field_validator("secret_key")
    @classmethod
    def _is_a_key(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None and text.get_secret_value():
            key_bytes(text.get_secret_value())
            return text
        return None

    def root(self) -> Path:
        return self.home.expanduser().resolve()

    def catalogue(self) -> Path:
        """Governed tables as the last orchestration saw them; Dagster shows what is in it."""
        return self.root() / "catalogue.json"

    def key_file(self) -> Path:
        return self.root() / "secret.key" if self.secret_key_file is None else self.secret_key_file.expanduser()

    def url(self) -> str:
        """The URL in clear: for the store only, never for a log."""
        if self.database_url is not None and self.database_url.get_secret_value():
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.root() / 'wfgov.db'}"

    def who(self) -> str:
        return self.actor or getpass.getuser()
