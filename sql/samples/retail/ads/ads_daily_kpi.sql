/* wfgov
name: 经营日报
description: "What the shop earned each day, against the same weekday a week before"
owner: chen.li
workflow: retail_ads
business_domain: trade
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
priority: 5
retries: 1
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.daily_kpi AS
WITH daily AS (
    SELECT day, sum(gross_amount) AS gross_amount, sum(net_amount) AS net_amount, sum(net_cost) AS net_cost
    FROM dws.sales_daily
    GROUP BY day
), orders AS (
    SELECT CAST(ordered_at AS DATE) AS day, count(*) AS orders, count(DISTINCT customer_id) AS buyers
    FROM dwd.order_head
    GROUP BY 1
)
SELECT
    d.day,
    c.day_kind,
    o.orders,
    o.buyers,
    d.gross_amount,
    d.net_amount AS net_revenue,
    CAST(d.net_amount / o.orders AS DECIMAL(10, 2)) AS revenue_per_order,
    CAST(1 - d.net_cost / d.net_amount AS DECIMAL(5, 4)) AS margin_rate,
    CAST(1 - d.net_amount / d.gross_amount AS DECIMAL(5, 4)) AS return_rate,
    CAST(d.net_amount / lag(d.net_amount, 7) OVER (ORDER BY d.day) - 1 AS DECIMAL(7, 4)) AS change_to_last_week,
    sum(d.net_amount) OVER (ORDER BY d.day) AS month_to_date
FROM daily AS d
JOIN orders AS o ON o.day = d.day
JOIN dwd.dim_date AS c ON c.day = d.day
ORDER BY d.day;
