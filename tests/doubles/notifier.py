"""A channel that can be told to refuse, and remembers what came."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wfgov_dagster.domain.alert import Alert
from wfgov_dagster.errors import NotDelivered


@dataclass
class Channel:
    """`refusals`: so many calls are refused. `hook` is called after what came in is remembered."""

    refusals: int = 0
    told: list[tuple[str, int]] = field(default_factory=list)
    hook: Callable[[], None] = lambda: None
    name: str = "channel"

    def notify(self, alert: Alert, count: int) -> None:
        if self.refusals:
            self.refusals -= 1
            raise NotDelivered("the channel is closed, token=hush-hush", where="channel")
        self.told.append((alert.dedupe_key, count))
        self.hook()
