"""What a save leaves on disk. Against a real DolphinScheduler it is measured by tests.bench, which takes longer."""

from tests.bench.edits import workflow
from tests.bench.storage import ours
from tests.support.size import size
from wfgov_dagster.domain.snapshot import document

VERSIONS = size(9, 1000)


def test_one_changed_task_of_two_hundred_takes_a_fortieth_of_the_document(database_url: str) -> None:
    """Compacted, with all that an orchestration writes beside the version, and whatever number of versions there is."""
    taken, _, _ = ours(database_url, VERSIONS)
    assert taken <= len(document(workflow())) / 40
