"""Addresses of DolphinScheduler's own pages. The paths are those of its user interface, the same in every family."""

from urllib.parse import quote


def page_url(base_url: str, project_code: int | str, workflow_code: str, instance_id: str | None = None) -> str:
    """Of a workflow's definition, or of one of its instances. `base_url`: as the API is reached, `…/dolphinscheduler`.

    An instance's page needs the code of its definition, too, else its graph stays empty.
    """
    project = f"{base_url.rstrip('/')}/ui/projects/{project_code}/workflow"
    if instance_id is None:
        return f"{project}/definitions/{quote(workflow_code, safe='')}"
    return f"{project}/instances/{quote(instance_id, safe='')}?code={quote(workflow_code, safe='')}"
