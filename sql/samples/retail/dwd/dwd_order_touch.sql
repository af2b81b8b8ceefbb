/* wfgov
name: 订单归因
description: "The last campaign a customer saw in the three days before an order, if any"
owner: sun.jie
workflow: retail_dwd
business_domain: marketing
data_domain: campaign
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.order_touch AS
WITH ranked AS (
    SELECT
        o.order_id,
        t.campaign_id,
        t.touched_at,
        row_number() OVER (PARTITION BY o.order_id ORDER BY t.touched_at DESC, t.campaign_id) AS nth_last
    FROM dwd.order_head AS o
    LEFT JOIN ods.campaign_touch AS t
        ON t.customer_id = o.customer_id
        AND t.touched_at BETWEEN o.ordered_at - INTERVAL 3 DAY AND o.ordered_at
)
SELECT order_id, campaign_id, touched_at
FROM ranked
WHERE nth_last = 1;
