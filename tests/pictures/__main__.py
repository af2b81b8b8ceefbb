"""The pictures of the docs: the retail sample, served and looked at. `make pictures`"""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.support.browser import running_browser
from tests.support.dagster_pages import DagsterPages, opened
from tests.support.programs import chromium
from tests.support.served import WFGOV, serving, until
from wfgov_dagster.settings import CHECKOUT, Settings

FOLDER = CHECKOUT / "docs" / "pictures"
SAMPLE = CHECKOUT / "sql" / "samples" / "retail"
WORKFLOW = "retail_dwd"
TABLE = "table/dws/product_daily"
DOMAIN = "trade"
READER = "stock_cover"


def main() -> None:
    program = chromium()
    if program is None:
        raise SystemExit("Chromium is missing: Debian's package is called chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["WFGOV_HOME"] = home
        os.environ.pop("WFGOV_DATABASE_URL", None)
        wfgov("import", "sql", str(SAMPLE), "--dialect", "duckdb", "--source", "retail")
        with serving(Path(home)) as up, running_browser(program) as browser, opened(browser) as pages:
            take(pages, up.url)


def take(pages: DagsterPages, url: str) -> None:
    until(Settings().catalogue().exists, bool)
    until(lambda: shown(pages, f"{url}/assets/{TABLE}?view=lineage"), lambda text: READER in text)
    pages.choose_partition(url, "publish", WORKFLOW)
    picture(pages, "launchpad")
    pages.launch()
    picture(pages, "publish-run")
    pages.visit(f"{url}/locations/wfgov/asset-groups/governance")
    picture(pages, "asset-graph")
    pages.visit(f"{url}/assets/workflow_versions?view=partitions&partition={WORKFLOW}")
    picture(pages, "workflow-version")
    pages.visit(f"{url}/locations/wfgov/asset-groups/{DOMAIN}")
    picture(pages, "governed-tables")


def shown(pages: DagsterPages, url: str) -> str:
    pages.visit(url)
    return pages.text()


def picture(pages: DagsterPages, name: str) -> None:
    pages.page.mouse.move(0, 0)
    pages.page.wait_for_timeout(500)
    file = FOLDER / f"{name}.png"
    pages.page.screenshot(path=file)
    print(f"{file.relative_to(CHECKOUT)}: {file.stat().st_size // 1024} KB")


def wfgov(*words: str) -> None:
    subprocess.run([WFGOV, *words], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
