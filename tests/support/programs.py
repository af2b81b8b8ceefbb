"""Programs that pip cannot bring. A machine without them leaves out the tests that need them; CI must have them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
OLDEST_POSTGRESQL = 15  # the first that sorts by ICU in every database


def postgresql() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest installed release."""
    releases = [
        entry for entry in DEBIAN_POSTGRESQL.glob("*") if entry.name.isdigit() and (entry / "bin/initdb").exists()
    ]
    usable = [entry for entry in releases if int(entry.name) >= OLDEST_POSTGRESQL]
    if usable:
        return max(usable, key=lambda entry: int(entry.name)) / "bin"
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def chromium() -> Path | None:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return Path(found) if found else None


def java() -> bool:
    """A JDK of at least 17 and Maven: what a DolphinScheduler is made of and runs on."""
    return shutil.which("javac") is not None and shutil.which("mvn") is not None


def missing() -> Mapping[str, str]:
    """Marker → what this machine lacks for the tests that carry it."""
    lacks = {}
    if postgresql() is None:
        lacks["postgresql"] = "PostgreSQL 15 or newer (Debian package postgresql)"
    if chromium() is None:
        lacks["browser"] = "Chromium (Debian package chromium)"
    if not java():
        lacks["dolphin"] = "a JDK 17 and Maven (Debian packages openjdk-17-jdk-headless and maven)"
    return lacks
