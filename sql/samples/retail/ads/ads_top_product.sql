/* wfgov
name: 畅销商品
description: "The ten best sellers of every category in the last seven days"
owner: wang.fang
workflow: retail_ads
business_domain: goods
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.top_product AS
WITH week AS (
    SELECT s.product_id, sum(s.units) AS units, sum(s.net_amount) AS net_amount
    FROM dws.product_daily AS s
    WHERE s.day > (SELECT max(day) - 7 FROM dws.product_daily)
    GROUP BY s.product_id
), ranked AS (
    SELECT
        p.category,
        rank() OVER (PARTITION BY p.category ORDER BY w.net_amount DESC, p.product_id) AS place,
        p.sku,
        p.product_name,
        w.units,
        w.net_amount
    FROM week AS w
    JOIN dwd.dim_product AS p ON p.product_id = w.product_id
)
SELECT *
FROM ranked
WHERE place <= 10
ORDER BY category, place;
