/* wfgov
name: 数据核对
description: "The same revenue on every way through the warehouse; a difference fails the task"
owner: chen.li
workflow: retail_ads
business_domain: trade
data_domain: quality
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
depends_on: [ads_customer_segment, ads_inventory_alert, ads_top_product]
reads: [-ads.quality_check]
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.quality_check AS
WITH lines AS (SELECT sum(net_amount) AS amount FROM dwd.order_line)
SELECT 'revenue of daily_kpi' AS what, (SELECT sum(net_revenue) FROM ads.daily_kpi) AS found, amount AS expected
FROM lines
UNION ALL
SELECT 'revenue of campaign_attribution', (SELECT sum(net_revenue) FROM ads.campaign_attribution), amount FROM lines
UNION ALL
SELECT 'revenue of store_ranking', (SELECT sum(net_revenue) FROM ads.store_ranking), amount FROM lines;

SELECT CASE WHEN count(*) > 0 THEN error('revenue differs: ' || string_agg(what, ', ')) END
FROM ads.quality_check
WHERE found IS DISTINCT FROM expected;
