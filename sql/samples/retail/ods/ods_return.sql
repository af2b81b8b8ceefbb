/* wfgov
name: 退货
description: "Clothes and shoes come back most; a return comes one to ten days after its order"
owner: chen.li
workflow: retail_ods
business_domain: trade
data_domain: return
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.return_line AS
WITH drawn AS (
    SELECT
        l.order_id,
        l.line_no,
        l.quantity,
        CAST(o.ordered_at AS DATE) + 1 + CAST(hash(l.order_id, l.line_no, 'days') % 10 AS INTEGER) AS returned_on,
        hash(l.order_id, l.line_no, 'return') % 100 AS draw,
        p.category
    FROM ods.order_line AS l
    JOIN ods.orders AS o ON o.order_id = l.order_id
    JOIN ods.product AS p ON p.product_id = l.product_id
    WHERE o.status = 'paid'
)
SELECT
    order_id,
    line_no,
    returned_on,
    CASE WHEN quantity > 1 AND draw % 2 = 0 THEN quantity - 1 ELSE quantity END AS returned_quantity,
    ['too small', 'not as shown', 'damaged', 'changed my mind'][1 + CAST(draw % 4 AS INTEGER)] AS reason
FROM drawn
WHERE draw < CASE WHEN category IN ('Clothing', 'Shoes') THEN 15 WHEN category = 'Snacks' THEN 1 ELSE 5 END
    AND returned_on <= DATE '2026-06-30';
