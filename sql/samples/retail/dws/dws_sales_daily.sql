/* wfgov
name: 销售日汇总
description: "Sales by day, store and category; the month is deleted and inserted again"
owner: chen.li
workflow: retail_dws
business_domain: trade
data_domain: sales
layer: DWS
cron: "0 4 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
retries: 1
*/
CREATE SCHEMA IF NOT EXISTS dws;

CREATE TABLE IF NOT EXISTS dws.sales_daily (
    day DATE,
    store_id INTEGER,
    category VARCHAR,
    orders BIGINT,
    units BIGINT,
    gross_amount DECIMAL(14, 2),
    net_amount DECIMAL(14, 2),
    net_cost DECIMAL(14, 2)
);

DELETE FROM dws.sales_daily WHERE day BETWEEN DATE '2026-06-01' AND DATE '2026-06-30';

INSERT INTO dws.sales_daily
SELECT
    day,
    store_id,
    category,
    count(DISTINCT order_id),
    sum(net_quantity),
    sum(gross_amount),
    sum(net_amount),
    sum(net_cost)
FROM dwd.v_net_sales
WHERE day BETWEEN DATE '2026-06-01' AND DATE '2026-06-30'
GROUP BY day, store_id, category;
