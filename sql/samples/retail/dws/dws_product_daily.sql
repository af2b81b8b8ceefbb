/* wfgov
name: 商品日汇总
description: "Units and revenue of every product and day, with the seven-day mean"
owner: wang.fang
workflow: retail_dws
business_domain: goods
data_domain: sales
layer: DWS
cron: "0 4 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dws;

CREATE OR REPLACE TABLE dws.product_daily AS
WITH sold AS (
    SELECT product_id, day, sum(net_quantity) AS units, sum(net_amount) AS net_amount
    FROM dwd.v_net_sales
    GROUP BY product_id, day
), dense AS (  -- a day without sales is a zero, not a gap
    SELECT p.product_id, d.day, coalesce(s.units, 0) AS units, coalesce(s.net_amount, 0) AS net_amount
    FROM dwd.dim_product AS p
    CROSS JOIN dwd.dim_date AS d
    LEFT JOIN sold AS s ON s.product_id = p.product_id AND s.day = d.day
)
SELECT
    *,
    avg(units) OVER (PARTITION BY product_id ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS units_7d
FROM dense;
