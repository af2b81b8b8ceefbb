/* wfgov
name: 营销触达
description: "Who saw which campaign, when"
owner: sun.jie
workflow: retail_ods
business_domain: marketing
data_domain: campaign
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.campaign_touch AS
SELECT
    k.campaign_id,
    1 + CAST(floor(2000 * (hash(c.day, k.campaign_id, n, 'who') % 100000 / 100000.0) ** 1.3) AS BIGINT) AS customer_id,
    c.day + to_minutes(CAST(7 * 60 + hash(c.day, k.campaign_id, n, 'when') % 900 AS BIGINT)) AS touched_at
FROM ods.campaign AS k
JOIN ods.calendar AS c ON c.day BETWEEN k.starts_on AND k.ends_on
JOIN range(0, 1000) AS r (n) ON r.n < k.daily_touches;
