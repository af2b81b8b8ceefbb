/* wfgov
name: 净销售视图
description: "Order lines with everything people group them by; a view, so that nobody copies it"
owner: chen.li
workflow: retail_dwd
business_domain: trade
data_domain: order
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE VIEW dwd.v_net_sales AS
SELECT
    l.day,
    d.day_kind,
    l.order_id,
    l.line_no,
    l.customer_id,
    s.store_id,
    s.store_name,
    s.region,
    s.channel,
    p.product_id,
    p.product_name,
    p.category,
    l.quantity - l.returned_quantity AS net_quantity,
    l.gross_amount,
    l.net_amount,
    CAST((l.quantity - l.returned_quantity) * p.unit_cost AS DECIMAL(12, 2)) AS net_cost
FROM dwd.order_line AS l
JOIN dwd.dim_product AS p ON p.product_id = l.product_id
JOIN dwd.dim_store AS s ON s.store_id = l.store_id
JOIN dwd.dim_date AS d ON d.day = l.day;
