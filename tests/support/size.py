"""One test, two sizes: small for every commit, soak for the sizes that we promise."""

import os
import secrets
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

SIZE = os.environ.get("WFGOV_TEST_SIZE", "small")
if SIZE not in {"small", "soak"}:
    raise ValueError(f"WFGOV_TEST_SIZE is {SIZE!r} — say small or soak")

# Kept in the environment so that the workers of xdist have the same one.
SEED = int(os.environ.setdefault("WFGOV_TEST_SEED", str(secrets.randbits(32)) if SIZE == "soak" else "0"))

settings.register_profile("small", derandomize=True, deadline=None, max_examples=50, database=None)
settings.register_profile("soak", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(SIZE)


def size(small: T, soak: T) -> T:
    """The value for this run."""
    return soak if SIZE == "soak" else small
