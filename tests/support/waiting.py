"""How long somebody has computed, and waited for a processor: a machine's other work is not theirs. Linux tells."""

from pathlib import Path

_NANOSECONDS = 1e9


def computed_and_waited(process: int | None = None) -> tuple[float, float]:
    """Seconds since it began: this thread, or another process of one thread."""
    file = Path("/proc/thread-self/schedstat" if process is None else f"/proc/{process}/schedstat")
    computed, waited, _ = file.read_text(encoding="ascii").split()
    return int(computed) / _NANOSECONDS, int(waited) / _NANOSECONDS
