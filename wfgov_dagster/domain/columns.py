"""What columns of ids need everywhere: look-ups and expansions without a loop."""

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
_GAPS = 8  # how much larger than their number the highest id may be for a table of all ids to be worth its memory


def positions(ids: Ids, wanted: Ids) -> Ids:
    """Where each of `wanted`, all among the sorted `ids`, stands. Ids without large gaps are looked up."""
    if not len(ids) or ids[-1] > _GAPS * len(ids):
        return np.searchsorted(ids, wanted)
    table = np.zeros(int(ids[-1]) + 1, dtype=np.int64)
    table[ids] = np.arange(len(ids))
    found: Ids = table[wanted]
    return found


def ranges(starts: Ids, ends: Ids) -> Ids:
    """All indices of all [start, end) ranges, one range after the other."""
    lengths = ends - starts
    offsets = np.cumsum(lengths) - lengths
    found: Ids = np.arange(int(lengths.sum())) - np.repeat(offsets - starts, lengths)
    return found


def grouped(keys: Ids, count: int) -> tuple[Ids, Ids]:
    """(order, starts): rows sorted by their key 0 … count - 1, and where the rows of each key begin, an end behind.

    The rows of one key come in any order: not to keep it is quicker.
    """
    order = np.argsort(keys)
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=count), out=starts[1:])
    return order, starts
