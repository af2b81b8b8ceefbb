/* wfgov
name: 订单明细
description: "One row a paid order line, returns netted"
owner: chen.li
workflow: retail_dwd
business_domain: trade
data_domain: order
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
timeout_seconds: 600
retries: 2
retry_interval_seconds: 10
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.order_line AS
WITH paid AS (
    SELECT o.order_id, o.customer_id, o.store_id, o.ordered_at, CAST(o.ordered_at AS DATE) AS day
    FROM ods.orders AS o
    WHERE o.status = 'paid'
)
SELECT
    p.order_id,
    l.line_no,
    p.customer_id,
    p.store_id,
    l.product_id,
    p.ordered_at,
    p.day,
    CAST(l.quantity AS INTEGER) AS quantity,
    CAST(coalesce(r.returned_quantity, 0) AS INTEGER) AS returned_quantity,
    CAST(l.quantity * l.unit_price AS DECIMAL(12, 2)) AS list_amount,
    CAST(l.quantity * l.unit_price * (1 - l.discount_rate) AS DECIMAL(12, 2)) AS gross_amount,
    CAST((l.quantity - coalesce(r.returned_quantity, 0)) * l.unit_price * (1 - l.discount_rate) AS DECIMAL(12, 2))
        AS net_amount
FROM paid AS p
JOIN ods.order_line AS l ON l.order_id = p.order_id
LEFT JOIN ods.return_line AS r ON r.order_id = l.order_id AND r.line_no = l.line_no;
