/* wfgov
name: 每日库存
description: "Stock of every product at the end of every day; below zero is sold but not there yet"
owner: liu.yang
workflow: retail_dwd
business_domain: supply
data_domain: stock
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
priority: 4
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.stock_daily AS
WITH moves AS (
    SELECT product_id, received_on AS day, quantity AS moved FROM ods.stock_receipt
    UNION ALL
    SELECT product_id, day, -quantity FROM dwd.order_line
    UNION ALL
    SELECT product_id, returned_on, returned_quantity FROM dwd.return_line WHERE reason <> 'damaged'
), daily AS (
    SELECT p.product_id, d.day, coalesce(sum(m.moved), 0) AS moved
    FROM dwd.dim_product AS p
    CROSS JOIN dwd.dim_date AS d
    LEFT JOIN moves AS m ON m.product_id = p.product_id AND m.day = d.day
    GROUP BY p.product_id, d.day
), balance AS (
    SELECT product_id, day, CAST(sum(moved) OVER (PARTITION BY product_id ORDER BY day) AS BIGINT) AS balance
    FROM daily
)
SELECT product_id, day, greatest(balance, 0) AS on_hand, greatest(-balance, 0) AS owed, balance <= 0 AS is_out
FROM balance;
