"""What may never be in a history, looked at in the moment it happens, and what has to be so in the end."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

CHECKS: Final = {
    "one_holder": "at most one holder of a workflow at a time",
    "stale_write": "no write without a lease that was good when the step was written down",
    "intent_first": "no write without its step on record before it",
    "false_success": "no success while the engine shows something else",
    "early_success": "no success while a write of ours may still come",
    "superseded": "no success for what nobody wants any more",
    "false_failed": "no failure while a write is unknown or on its way, or while the engine shows what is wanted",
    "left_changed": "what failed has left the engine as it was confirmed before",
    "ended_twice": "an end is an end",
    "overwritten": "nobody's edit is overwritten without a person's word",
    "too_many_versions": "the engine makes no more versions than were sent",
    "offline_too_long": "a deploy does not leave it offline for longer than its deadline and one takeover",
    "lost_row": "whatever was asked for has a row",
    "divergent": "in the end the engine shows what succeeded last",
    "ledger_lies": "in the end the platform's row about the engine is true",
    "stuck": "in the end every record has ended, and every flow with it",
    "waves": "no member begins before all of an earlier wave have ended, nor after what ended its set",
    "too_many_open": "never more members open than were asked for",
    "unreported": "every member's result is told in the end",
    "not_restored": "a restored set is back to what was confirmed before, but for where a newer wish won",
    "newer_wish": "nothing is brought back over what somebody asked for since",
    "crashed": "no use case ends with an error that is none of ours",
}


@dataclass(frozen=True, slots=True)
class Violation:
    check: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What an engine shows, as far as anybody wants something of it. `content`: version or foreign text."""

    content: str | None
    online: bool
    schedule: str | None
    schedule_online: bool


@dataclass
class Expected:
    """What the engine has to show by what has succeeded: the checks' own word, not the product's.

    More than one value is possible where something was superseded after it had perhaps written. `held`: pairs of
    content and schedule, none = nothing was confirmed yet and any content is right.
    """

    held: Collection[tuple[str, str | None]] = ()
    online: Collection[bool] = (False,)
    fires: Collection[bool] = (False,)

    def succeeded(self, shown: Shown, wanted: "Expected") -> None:
        """A record did, which wanted this: what was open is now what is shown."""
        self.held = tuple(one for one in wanted.held or self.held if one[0] == shown.content)
        self.online, self.fires = (shown.online,), (shown.schedule_online,)

    def wanting(self, operation: str, content: str, schedule: str | None) -> "Expected":
        """What is expected if a record succeeds now."""
        scheduled = schedule is not None
        if operation == "offline":
            return Expected((), (False,), (False,))
        if operation == "online":
            return Expected(((content, schedule),), (True,), (scheduled,))
        return Expected(((content, schedule),), self.online, tuple({fires and scheduled for fires in self.fires}))

    def doubt(self, operation: str, content: str, schedule: str | None) -> None:
        """Somebody has perhaps written, and was superseded before he knew."""
        if operation != "deploy":
            self.online, self.fires = (False, True), (False, True)
        if operation != "offline" and self.held:
            self.held = (*self.held, (content, schedule))

    def wrong(self, shown: Shown | None) -> str | None:
        held = dict(self.held)
        if shown is None or (held and shown.content not in held):
            what = "nothing" if shown is None else shown.content
            return f"it shows {what}, {', '.join(held)} is expected" if held else None
        if shown.online not in self.online:
            return f"it shows online={shown.online}"
        if not shown.online or not held:
            return None
        if (shown.content, shown.schedule) not in self.held:
            return f"it shows {shown.content} with the schedule {shown.schedule}, {self.held} is expected"
        fires = {one and shown.schedule is not None for one in self.fires}  # the one that is there may have none
        return None if shown.schedule_online in fires else f"it shows schedule_online={shown.schedule_online}"
