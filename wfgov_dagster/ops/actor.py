"""Who acts in a Dagster run. OSS Dagster knows no users, so whoever starts a run may name one by a tag."""

from collections.abc import Mapping
from typing import Final

from resources.keys import TAG_ACTOR

_SENSOR: Final = ("dagster/sensor_name", "dagster/schedule_name")


def actor_of(tags: Mapping[str, str]) -> str:
    """`system` for what a sensor or schedule started; the prefix keeps other names apart from those of the CLI."""
    if any(tag in tags for tag in _SENSOR):
        return "system"
    return f"dagster:{tags.get(TAG_ACTOR) or tags.get('user') or 'launchpad'}"[:100]
