"""A person does not want an open publish any more."""

from wfgov_dagster.domain.publish import Phase
from wfgov_dagster.errors import Conflict
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.begin_publish import may_be_left
from wfgov_dagster.usecases.end_publish import close, go_back


def cancel_publish(store: Store, actor: str, record_id: int) -> None:
    """It ends aborted: at once where nothing was written, else once what was there before is back. No effect on one
    that has ended or is on its way back. A restore is left where it is: it has no way back of its own."""
    with store.write() as work:
        work.publishing.lock_workflow(record_id)
        job = work.publishing.job(record_id)
        if job.status != "pending":
            return
        why = Conflict("its flow was cancelled", where=f"publish record {record_id}")
        if job.ends_as is not None:
            if job.waits_on is not None:
                go_back(work, job, Phase.ABORTED, (why.code, why.sentence()), actor)
        elif may_be_left(work, job) and job.target is None:
            go_back(work, job, Phase.ABORTED, (why.code, why.sentence()), actor)
        else:
            close(work, job, Phase.ABORTED, why, actor)
