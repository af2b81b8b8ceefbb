/* wfgov
name: 退货明细
description: "Returns with what they cost"
owner: chen.li
workflow: retail_dwd
business_domain: trade
data_domain: return
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.return_line AS
SELECT
    r.order_id,
    r.line_no,
    p.product_id,
    p.category,
    r.returned_on,
    r.reason,
    CAST(r.returned_quantity AS INTEGER) AS returned_quantity,
    CAST(r.returned_quantity * l.unit_price * (1 - l.discount_rate) AS DECIMAL(12, 2)) AS refund_amount
FROM ods.return_line AS r
JOIN ods.order_line AS l ON l.order_id = r.order_id AND l.line_no = r.line_no
JOIN dwd.dim_product AS p ON p.product_id = l.product_id;
