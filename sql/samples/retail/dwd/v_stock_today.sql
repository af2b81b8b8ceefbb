/* wfgov
name: 最新库存视图
description: "Stock at the end of the last day"
owner: liu.yang
workflow: retail_dwd
business_domain: supply
data_domain: stock
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE VIEW dwd.v_stock_today AS
SELECT s.product_id, s.day, s.on_hand, s.owed, s.is_out
FROM dwd.stock_daily AS s
WHERE s.day = (SELECT max(day) FROM dwd.stock_daily);
