"""Links of a workflow: to the platform's page of it, and to the engine's."""

from urllib.parse import quote

import dagster as dg

from resources import keys, names
from wfgov_dagster.settings import Settings


def pages(settings: Settings, workflow_code: str, engine_page: str | None) -> dict[str, dg.MetadataValue]:
    """The platform's page is that of the deployment, as long as there is no other. The engine may have none."""
    base, partition = settings.webserver_url.rstrip("/"), quote(names.partition(workflow_code), safe="")
    asset = keys.ENGINE_DEPLOYMENTS.path[-1]
    told: dict[str, dg.MetadataValue] = {
        "platform_page": dg.MetadataValue.url(f"{base}/assets/{asset}?partition={partition}")
    }
    if engine_page is not None:
        told["engine_page"] = dg.MetadataValue.url(engine_page)
    return told
