"""What a person has to say to pin a workflow, to bring one back, or to drop a candidate."""

from typing import Final

from wfgov_dagster.errors import InvalidInput

LONGEST_REASON: Final = 2000


def reason_of(text: str) -> str:
    """Without blanks around it. Raises InvalidInput for none, and for one that is too long."""
    reason = text.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidInput(f"why? 1 to {LONGEST_REASON} characters", where="reason", hint="--reason TEXT")
    return reason
