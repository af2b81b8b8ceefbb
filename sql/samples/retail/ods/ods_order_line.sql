/* wfgov
name: 订单行
description: "One to four lines an order; cooling goods sell better as June gets hotter"
owner: chen.li
workflow: retail_ods
business_domain: trade
data_domain: order
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.order_line AS
WITH lines AS (
    SELECT
        o.order_id,
        l.line_no,
        CAST(o.ordered_at AS DATE) AS day,
        1 + CAST(floor(200 * (hash(o.order_id, l.line_no, 'product') % 100000 / 100000.0) ** 1.8) AS BIGINT)
            AS product_id
    FROM ods.orders AS o, range(1, 5) AS l (line_no)
    WHERE l.line_no <= 1 + hash(o.order_id, 'lines') % 4
)
SELECT
    l.order_id,
    l.line_no,
    l.product_id,
    CASE WHEN p.category = 'Snacks' THEN 1 + hash(l.order_id, l.line_no, 'many') % 5
         ELSE 1 + CAST(hash(l.order_id, l.line_no, 'two') % 8 = 0 AS INTEGER) END AS quantity,
    p.list_price AS unit_price,
    CAST(CASE WHEN c.event = '618' THEN 0.15 WHEN hash(l.product_id, 'sale') % 6 = 0 THEN 0.08 ELSE 0 END
        AS DECIMAL(4, 2)) AS discount_rate
FROM lines AS l
JOIN ods.product AS p ON p.product_id = l.product_id
JOIN ods.calendar AS c ON c.day = l.day
WHERE l.line_no = 1
    OR p.category <> 'Cooling'
    OR hash(l.order_id, l.line_no, 'heat') % 100 < 40 + 2 * day(l.day);
