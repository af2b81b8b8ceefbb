/* wfgov
name: 会员汇总
description: "Recency, frequency and money of every member who bought"
owner: zhao.min
workflow: retail_dws
business_domain: member
data_domain: customer
layer: DWS
cron: "0 4 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dws;

CREATE TEMP TABLE bought AS
SELECT customer_id, count(*) AS orders, max(CAST(ordered_at AS DATE)) AS last_day, sum(net_amount) AS net_amount
FROM dwd.order_head
GROUP BY customer_id;

CREATE OR REPLACE TABLE dws.customer AS
SELECT
    c.customer_id,
    c.age_band,
    c.city,
    c.is_new,
    b.orders,
    b.net_amount,
    date_diff('day', b.last_day, (SELECT max(day) FROM dwd.dim_date)) AS days_since_last
FROM bought AS b
JOIN dwd.dim_customer AS c ON c.customer_id = b.customer_id;
