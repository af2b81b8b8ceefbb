/* wfgov
name: 门店排行
description: "Stores by revenue of the month, with their share of the region"
owner: chen.li
workflow: retail_ads
business_domain: trade
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.store_ranking AS
SELECT
    s.region,
    s.store_name,
    sum(d.net_amount) AS net_revenue,
    rank() OVER (ORDER BY sum(d.net_amount) DESC) AS place,
    CAST(sum(d.net_amount) / sum(sum(d.net_amount)) OVER (PARTITION BY s.region) AS DECIMAL(5, 4)) AS share_of_region
FROM dws.sales_daily AS d
JOIN dwd.dim_store AS s ON s.store_id = d.store_id
GROUP BY s.region, s.store_name;
