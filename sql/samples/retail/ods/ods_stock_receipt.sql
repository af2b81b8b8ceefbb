/* wfgov
name: 入库
description: "Opening stock and deliveries: bought for an ordinary month, so that 618 empties some shelves"
owner: liu.yang
workflow: retail_ods
business_domain: supply
data_domain: stock
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.stock_receipt AS
WITH plan AS (  -- what buyers expected to sell a day: they know the popularity of a product, not the future
    SELECT
        product_id,
        lead_days,
        CASE WHEN category = 'Snacks' THEN 150.0 ELSE 56.0 END / power(product_id, 0.444)
        * (0.82 + 0.5 * (hash(product_id, 'plan') % 100) / 100.0) AS a_day
    FROM ods.product
)
SELECT
    product_id,
    DATE '2026-06-01' AS received_on,
    CAST(ceil(a_day * (9 + lead_days)) AS INTEGER) AS quantity,
    'opening' AS kind
FROM plan
UNION ALL
SELECT p.product_id, c.day, CAST(ceil(p.a_day * 7) AS INTEGER), 'delivery'
FROM plan AS p
JOIN ods.calendar AS c
    ON c.weekday = 1 + hash(p.product_id, 'weekday') % 5
    AND c.day > DATE '2026-06-01' + CAST(p.lead_days AS INTEGER);
