/* wfgov
name: 会员分层
description: "RFM: quintiles of recency, frequency and money, and the segment they make"
owner: zhao.min
workflow: retail_ads
business_domain: member
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.customer_segment AS
WITH scored AS (
    SELECT
        *,
        ntile(5) OVER (ORDER BY days_since_last DESC, customer_id) AS r,
        ntile(5) OVER (ORDER BY orders, customer_id) AS f,
        ntile(5) OVER (ORDER BY net_amount, customer_id) AS m
    FROM dws.customer
)
SELECT
    customer_id,
    age_band,
    city,
    orders,
    net_amount,
    days_since_last,
    r,
    f,
    m,
    CASE
        WHEN is_new AND orders <= 2 THEN '新客'
        WHEN r >= 4 AND f >= 4 AND m >= 4 THEN '重要价值'
        WHEN r <= 2 AND f >= 4 THEN '重要挽留'
        WHEN r >= 4 AND f <= 2 THEN '潜力'
        WHEN r <= 2 AND f <= 2 THEN '流失预警'
        ELSE '一般'
    END AS segment
FROM scored;
