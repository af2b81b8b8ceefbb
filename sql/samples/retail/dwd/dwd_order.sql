/* wfgov
name: 订单汇总行
description: "One row a paid order, with its place in the customer's own sequence"
owner: chen.li
workflow: retail_dwd
business_domain: trade
data_domain: order
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.order_head AS
WITH orders AS (
    SELECT
        order_id,
        any_value(customer_id) AS customer_id,
        any_value(store_id) AS store_id,
        min(ordered_at) AS ordered_at,
        count(*) AS lines,
        sum(quantity) AS units,
        sum(gross_amount) AS gross_amount,
        sum(net_amount) AS net_amount
    FROM dwd.order_line
    GROUP BY order_id
)
SELECT
    *,
    row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at, order_id) AS order_no_of_customer,
    date_diff('day', lag(ordered_at) OVER (PARTITION BY customer_id ORDER BY ordered_at, order_id), ordered_at)
        AS days_since_last
FROM orders;
