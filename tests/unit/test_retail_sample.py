"""The retail sample really runs, in the order that its own SQL gives, and its numbers hang together."""

import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from wfgov_dagster.importers.sql_text import read_sql_folder
from wfgov_dagster.ports.metadata import ImportBatch

SAMPLE = Path(__file__).parents[2] / "sql" / "samples" / "retail"


@pytest.fixture(scope="module")
def batch() -> ImportBatch:
    return read_sql_folder(SAMPLE, "duckdb")


@pytest.fixture(scope="module")
def estate(batch: ImportBatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which every task has run once; not to be written."""
    file = tmp_path_factory.mktemp("retail") / "warehouse.duckdb"
    run_estate(batch, file)
    return file


@pytest.fixture
def warehouse(estate: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(estate, read_only=True) as conn:
        yield conn


def upstream_tasks(batch: ImportBatch) -> dict[str, set[str]]:
    writers: dict[str, set[str]] = {}
    for row in batch.relations:
        if row.relation == "write":
            writers.setdefault(row.table, set()).add(row.task_code)
    upstream: dict[str, set[str]] = {task.code: set() for task in batch.tasks}
    for row in batch.relations:
        if row.relation == "read":
            upstream[row.task_code] |= writers.get(row.table, set()) - {row.task_code}
    for declared in batch.dependencies:
        upstream[declared.task_code].add(declared.upstream_code)
    return upstream


def run_order(batch: ImportBatch) -> list[str]:
    """Each task after its upstream tasks; of those that are ready the last by name first, to trust no accident."""
    upstream = upstream_tasks(batch)
    return list(TopologicalSorter({task: upstream[task] for task in sorted(upstream, reverse=True)}).static_order())


def run_estate(batch: ImportBatch, file: Path) -> None:
    """A connection a task, as the embedded engine does it."""
    texts = {task.code: task.text or "" for task in batch.tasks}
    for code in run_order(batch):
        with duckdb.connect(file) as conn:
            conn.execute(texts[code]).fetchall()


def one(conn: duckdb.DuckDBPyConnection, query: str) -> object:
    ((value,),) = conn.execute(query).fetchall()
    return value


def content(file: Path, batch: ImportBatch) -> dict[str, object]:
    with duckdb.connect(file) as conn:
        return {
            table.name: one(conn, f"SELECT (count(*), sum(hash(t))) FROM {table.name} AS t")  # whatever the rows' order
            for table in batch.tables
        }


# --- the estate ----------------------------------------------------------------------------------


def test_every_file_is_read_without_complaint(batch: ImportBatch) -> None:
    assert (batch.bad, batch.warnings) == ((), ())
    assert len(batch.tasks) == len(list(SAMPLE.rglob("*.sql"))) == 33


def test_each_task_has_a_workflow_and_each_workflow_a_schedule(batch: ImportBatch) -> None:
    assert [row.task_code for row in batch.memberships] == [task.code for task in batch.tasks]
    assert [row.workflow_code for row in batch.workflows] == [
        "retail_ads",
        "retail_dim",
        "retail_dwd",
        "retail_dws",
        "retail_ods",
    ]
    assert all(row.schedule_cron and row.time_zone == "Asia/Shanghai" for row in batch.workflows)


def test_every_table_that_is_read_is_written_by_one_task(batch: ImportBatch) -> None:
    written = [row.table for row in batch.relations if row.relation == "write"]
    assert sorted(written) == sorted(set(written)) == sorted(table.name for table in batch.tables)


def test_dependencies_cross_workflows_but_never_in_a_circle(batch: ImportBatch) -> None:
    workflow = {row.task_code: row.workflow_code for row in batch.memberships}
    crossing: dict[str, set[str]] = {}
    for task, upstream in upstream_tasks(batch).items():
        crossing.setdefault(workflow[task], set()).update({workflow[up] for up in upstream} - {workflow[task]})
    assert sum(map(len, crossing.values())) >= 5
    order = list(TopologicalSorter(crossing).static_order())
    assert (order[0], order[-1]) == ("retail_ods", "retail_ads")


def test_some_tasks_reach_the_order_lines_only_through_a_view(batch: ImportBatch) -> None:
    reads = {(row.task_code, row.table) for row in batch.relations if row.relation == "read"}
    assert ("dwd.order_line", "dwd.v_net_sales") in {(row.upstream, row.downstream) for row in batch.lineage}
    assert ("dws_sales_daily", "dwd.v_net_sales") in reads
    assert ("dws_sales_daily", "dwd.order_line") not in reads
    assert {row.downstream for row in batch.lineage} == {"dwd.v_net_sales", "dwd.v_stock_today", "dws.v_campaign_order"}


def test_no_task_asks_the_clock_or_chance(batch: ImportBatch) -> None:
    forbidden = re.compile(
        r"\b(now|today|current_date|current_timestamp|random|uuid|get_current_\w+)\b(?!_)", re.IGNORECASE
    )
    assert [task.code for task in batch.tasks if forbidden.search(task.text or "")] == []


# --- what it computes ----------------------------------------------------------------------------


def test_running_it_again_or_elsewhere_gives_the_same_rows(batch: ImportBatch, estate: Path, tmp_path: Path) -> None:
    again, elsewhere = Path(shutil.copy(estate, tmp_path / "again.duckdb")), tmp_path / "elsewhere.duckdb"
    run_estate(batch, again)
    run_estate(batch, elsewhere)
    assert content(again, batch) == content(elsewhere, batch) == content(estate, batch)


def test_it_has_the_size_of_a_small_shop(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert one(warehouse, "SELECT count(*) FROM ods.product") == 200
    assert one(warehouse, "SELECT count(*) FROM ods.customer") == 2000
    orders = one(warehouse, "SELECT count(*) FROM ods.orders")
    assert isinstance(orders, int)
    assert 18_000 < orders < 23_000


def test_revenue_is_the_sum_of_the_net_lines(warehouse: duckdb.DuckDBPyConnection) -> None:
    from_sources = one(
        warehouse,
        """SELECT sum(CAST((l.quantity - coalesce(r.returned_quantity, 0)) * l.unit_price * (1 - l.discount_rate)
                      AS DECIMAL(12, 2)))
           FROM ods.order_line l JOIN ods.orders o USING (order_id)
           LEFT JOIN ods.return_line r USING (order_id, line_no) WHERE o.status = 'paid'""",
    )
    assert isinstance(from_sources, Decimal)
    assert from_sources > 1_000_000
    assert one(warehouse, "SELECT sum(net_amount) FROM dwd.order_line") == from_sources
    assert one(warehouse, "SELECT sum(net_revenue) FROM ads.daily_kpi") == from_sources
    assert one(warehouse, "SELECT max(month_to_date) FROM ads.daily_kpi") == from_sources
    assert one(warehouse, "SELECT sum(net_revenue) FROM ads.campaign_attribution") == from_sources
    assert one(warehouse, "SELECT sum(net_revenue) FROM ads.store_ranking") == from_sources
    assert one(warehouse, "SELECT sum(net_amount) FROM ads.customer_segment") == from_sources


def test_the_month_has_its_seasons(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert one(warehouse, "SELECT count(*) FROM ads.daily_kpi") == 30
    assert str(one(warehouse, "SELECT arg_max(day, net_revenue) FROM ads.daily_kpi")) == "2026-06-18"
    kinds = dict(warehouse.execute("SELECT day_kind, avg(orders) FROM ads.daily_kpi GROUP BY 1").fetchall())
    assert kinds["618"] > kinds["weekend"] > kinds["working day"] > kinds["Dragon Boat Festival"] * 0.9
    assert one(warehouse, "SELECT min(margin_rate) > 0.2 AND max(margin_rate) < 0.6 FROM ads.daily_kpi") is True


def test_clothes_come_back_more_often_than_snacks(warehouse: duckdb.DuckDBPyConnection) -> None:
    rates = dict(
        warehouse.execute(
            """SELECT category, CAST(sum(returned_quantity) / sum(quantity) AS DOUBLE)
               FROM dwd.order_line JOIN dwd.dim_product USING (product_id) GROUP BY 1"""
        ).fetchall()
    )
    assert 0.05 < rates["Clothing"] < 0.2
    assert rates["Snacks"] < 0.02


def test_the_sale_empties_shelves_and_the_alerts_say_which(warehouse: duckdb.DuckDBPyConnection) -> None:
    out = "SELECT count(*) FROM dwd.stock_daily WHERE is_out AND day"
    assert one(warehouse, f"{out} < DATE '2026-06-10'") == 0
    assert one(warehouse, f"SELECT ({out} > DATE '2026-06-18') > 2 * ({out} <= DATE '2026-06-18')") is True
    alerts = dict(warehouse.execute("SELECT alert, count(*) FROM ads.inventory_alert GROUP BY 1").fetchall())
    assert alerts["缺货"] == one(warehouse, "SELECT count(*) FROM dwd.v_stock_today WHERE on_hand = 0")
    assert 1 <= alerts["缺货"] < alerts["低库存"] < 100
    assert one(warehouse, "SELECT bool_and(order_units > 0) FROM ads.inventory_alert WHERE alert <> '积压'") is True


def test_every_buyer_is_in_one_segment(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert one(warehouse, "SELECT count(*) = count(DISTINCT customer_id) FROM ads.customer_segment") is True
    assert one(
        warehouse,
        "SELECT (SELECT count(*) FROM ads.customer_segment) = (SELECT count(DISTINCT customer_id) FROM dwd.order_line)",
    )
    worth = dict(warehouse.execute("SELECT segment, avg(net_amount) FROM ads.customer_segment GROUP BY 1").fetchall())
    assert set(worth) == {"新客", "重要价值", "重要挽留", "潜力", "流失预警", "一般"}
    assert worth["重要价值"] == max(worth.values())


def test_best_sellers_are_ten_a_category_and_in_order(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute("SELECT category, place, net_amount FROM ads.top_product ORDER BY 1, 2").fetchall()
    assert [place for _, place, _ in rows] == list(range(1, 11)) * 8
    assert all(a[2] >= b[2] for a, b in pairwise(rows) if a[0] == b[0])


def test_every_order_is_attributed_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    orders = one(warehouse, "SELECT count(*) FROM dwd.order_head")
    assert one(warehouse, "SELECT sum(orders) FROM ads.campaign_attribution") == orders
    assert one(warehouse, "SELECT count(*) FROM ads.campaign_attribution WHERE orders > 0") == 7


def test_the_quality_check_fails_when_revenue_differs(batch: ImportBatch, estate: Path, tmp_path: Path) -> None:
    check = next(task.text or "" for task in batch.tasks if task.code == "ads_quality_check")
    with duckdb.connect(shutil.copy(estate, tmp_path / "broken.duckdb")) as conn:
        conn.execute("UPDATE ads.daily_kpi SET net_revenue = net_revenue + 1 WHERE day = DATE '2026-06-18'").fetchall()
        with pytest.raises(duckdb.Error, match="revenue differs: revenue of daily_kpi"):
            conn.execute(check).fetchall()
