"""Our errors in Dagster's words; the error alone decides whether the step is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from wfgov_dagster.errors import WfgovError


@contextmanager
def as_dagster_failure(*, max_retries: int = 0, wait_seconds: float = 5) -> Iterator[None]:
    """Retryable errors are tried again up to `max_retries` times, all others end the step at once."""
    try:
        yield
    except WfgovError as exc:
        if exc.retryable and max_retries:
            raise dg.RetryRequested(max_retries, seconds_to_wait=wait_seconds) from exc
        raise dg.Failure(exc.sentence(), metadata={"code": exc.code}, allow_retries=False) from exc
