/* wfgov
name: 活动订单视图
description: "Every order with its campaign, 0 where none"
owner: sun.jie
workflow: retail_dws
business_domain: marketing
data_domain: campaign
layer: DWS
cron: "0 4 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dws;

CREATE OR REPLACE VIEW dws.v_campaign_order AS
SELECT o.order_id, o.customer_id, o.net_amount, coalesce(t.campaign_id, 0) AS campaign_id
FROM dwd.order_head AS o
LEFT JOIN dwd.order_touch AS t ON t.order_id = o.order_id;
