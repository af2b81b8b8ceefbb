"""What a fault proxy may do to a request, when it does it, and what it says that it did."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What happens to one request. `…_reply`: after it was forwarded and answered, so the server has applied it."""

    NONE = "none"
    DROP = "drop"  # never forwarded, the connection ends without a word
    DROP_REPLY = "drop_reply"
    RESET = "reset"  # as drop, but TCP says that the connection is broken
    RESET_REPLY = "reset_reply"
    ERROR = "error"  # a 5xx of the proxy's own
    ERROR_REPLY = "error_reply"
    DELAY = "delay"  # forwarded later, also if the client has given up by then: a request that comes late
    DELAY_REPLY = "delay_reply"
    DUPLICATE = "duplicate"  # forwarded twice, one after the other; the first reply is returned
    TRUNCATE = "truncate"  # half of the body that was announced, then the end of the connection
    SLOW = "slow"  # the whole reply, in small pieces


NOT_FORWARDED = frozenset({Fault.DROP, Fault.RESET, Fault.ERROR})


@dataclass(frozen=True, slots=True)
class Rule:
    """`fault` for requests with this method (None: any) whose target (path and query) has a match of `path`.

    Of those, counted from 1, only the `nth` ones (None: all), and of these a share of `odds`. `seconds`: how long a
    delay or a slow reply takes. `status`: of the error.
    """

    fault: Fault
    method: str | None = None
    path: str = ""
    nth: frozenset[int] | None = None
    odds: float = 1.0
    seconds: float = 0.0
    status: int = 503

    def is_about(self, method: str, target: str) -> bool:
        return self.method in {None, method} and re.search(self.path, target) is not None


NO_FAULT = Rule(Fault.NONE)


def some_of_each(odds: float, seconds: float, *, method: str | None = None, path: str = "") -> tuple[Rule, ...]:
    """One rule a fault; about `odds` of all requests meet one of them."""
    faults = [fault for fault in Fault if fault is not Fault.NONE]
    each = [1.0 - (1.0 - odds) ** (1.0 / len(faults))] * len(faults)
    return tuple(
        Rule(fault, method, path, odds=chance, seconds=seconds) for fault, chance in zip(faults, each, strict=True)
    )


@dataclass
class Handled:
    """One request. `statuses`: what the server answered, an entry each time it was forwarded; `error`: why it could
    not be. `replied`: the client was sent a whole reply (whether it arrived, only the client knows)."""

    no: int
    method: str
    target: str
    fault: Fault
    statuses: list[int] = field(default_factory=list)
    error: str | None = None
    replied: bool = False


class Chooser:
    """The first rule that applies. The same seed chooses the same for the same sequence of requests."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        self._rules = [(rule, Random(f"{seed}:{at}")) for at, rule in enumerate(rules)]
        self._counts = [0] * len(rules)

    def choose(self, method: str, target: str) -> Rule:
        chosen = NO_FAULT
        for at, (rule, chance) in enumerate(self._rules):
            if not rule.is_about(method, target):
                continue
            self._counts[at] += 1
            hit = chance.random() < rule.odds  # drawn each time: what one rule does changes nothing for the next
            if chosen is NO_FAULT and hit and (rule.nth is None or self._counts[at] in rule.nth):
                chosen = rule
        return chosen
