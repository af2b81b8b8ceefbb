/* wfgov
name: 订单头
description: "About 20,000 orders: how many a day follows the calendar, when in the day follows the evening"
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

CREATE OR REPLACE TABLE ods.orders AS
WITH share AS (
    SELECT store_id, sum(share) OVER (ORDER BY store_id) AS upper_share
    FROM ods.store
), slots AS (
    SELECT c.day, s.n, CAST(strftime(c.day, '%Y%m%d') AS BIGINT) * 10000 + s.n AS order_id
    FROM ods.calendar AS c, range(0, 2500) AS s (n)
    WHERE s.n < 620 * c.demand_factor
), drawn AS (
    SELECT
        day,
        order_id,
        1 + CAST(floor(2000 * (hash(order_id, 'customer') % 100000 / 100000.0) ** 1.5) AS BIGINT) AS customer_id,
        hash(order_id, 'store') % 100 AS store_draw,
        -- two humps: noon and evening
        CASE WHEN hash(order_id, 'hump') % 3 = 0 THEN 9 * 60 ELSE 17 * 60 END
        + (hash(order_id, 'a') % 150 + hash(order_id, 'b') % 150) AS minute_of_day
    FROM slots
)
SELECT
    d.order_id,
    d.customer_id,
    (SELECT min(s.store_id) FROM share AS s WHERE s.upper_share > d.store_draw) AS store_id,
    d.day + to_minutes(CAST(d.minute_of_day AS BIGINT)) AS ordered_at,
    CASE WHEN hash(d.order_id, 'status') % 1000 < 32 THEN 'cancelled' ELSE 'paid' END AS status
FROM drawn AS d
JOIN ods.customer AS c ON c.customer_id = d.customer_id AND c.registered_on <= d.day;
