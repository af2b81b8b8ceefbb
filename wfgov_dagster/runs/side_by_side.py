"""Work that several threads do side by side: they wait for engines, not for this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def side_by_side(count: int, work: Callable[[], T]) -> Sequence[T]:
    """Call `work` so many times at once. Raises the first error, once all of them are back."""
    if count == 1:
        return [work()]
    with ThreadPoolExecutor(count, thread_name_prefix="member") as pool:
        begun = [pool.submit(work) for _ in range(count)]
    return [one.result() for one in begun]
