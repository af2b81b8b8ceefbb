/* wfgov
name: 库存周转
description: "How many days the stock lasts at the pace of the last week"
owner: liu.yang
workflow: retail_dws
business_domain: supply
data_domain: stock
layer: DWS
cron: "0 4 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dws;

CREATE OR REPLACE TABLE dws.stock_cover AS
WITH outs AS (
    SELECT product_id, count(*) FILTER (WHERE is_out) AS days_out
    FROM dwd.stock_daily
    GROUP BY product_id
)
SELECT
    t.product_id,
    t.on_hand,
    t.owed,
    o.days_out,
    p.units_7d,
    CASE WHEN p.units_7d > 0 THEN round(t.on_hand / p.units_7d, 1) END AS cover_days
FROM dwd.v_stock_today AS t
JOIN dws.product_daily AS p ON p.product_id = t.product_id AND p.day = t.day
JOIN outs AS o ON o.product_id = t.product_id;
