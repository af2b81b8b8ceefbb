/* wfgov
name: 门店维度
description: "Stores with their region"
owner: chen.li
workflow: retail_dim
business_domain: trade
data_domain: store
layer: DWD
cron: "30 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.dim_store AS
SELECT store_id, store_name, channel, city, region
FROM ods.store;
