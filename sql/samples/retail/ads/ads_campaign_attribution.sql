/* wfgov
name: 活动归因
description: "Revenue by last touch against what each campaign cost"
owner: sun.jie
workflow: retail_ads
business_domain: marketing
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.campaign_attribution AS
WITH earned AS (
    SELECT campaign_id, count(*) AS orders, count(DISTINCT customer_id) AS buyers, sum(net_amount) AS net_amount
    FROM dws.v_campaign_order
    GROUP BY campaign_id
), spent AS (
    SELECT campaign_id, campaign_name, medium, daily_cost * (date_diff('day', starts_on, ends_on) + 1) AS cost
    FROM ods.campaign
    UNION ALL
    SELECT 0, 'no campaign', 'none', 0
)
SELECT
    s.campaign_name,
    s.medium,
    coalesce(e.orders, 0) AS orders,
    coalesce(e.buyers, 0) AS buyers,
    coalesce(e.net_amount, 0) AS net_revenue,
    s.cost,
    CASE WHEN s.cost > 0 THEN round(coalesce(e.net_amount, 0) / s.cost, 2) END AS revenue_per_cost
FROM spent AS s
LEFT JOIN earned AS e ON e.campaign_id = s.campaign_id
ORDER BY net_revenue DESC;
