"""An engine that shows whatever it is given."""

from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.domain.publish import bare


class AsGiven:
    def shown(self, definition: Definition) -> Definition:
        return bare(definition)

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return schedule
