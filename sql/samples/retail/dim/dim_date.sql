/* wfgov
name: 日期维度
description: "Calendar with the running week and a label for people"
owner: chen.li
workflow: retail_dim
business_domain: trade
data_domain: calendar
layer: DWD
cron: "30 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.dim_date AS
SELECT
    day,
    weekday,
    is_weekend,
    coalesce(event, CASE WHEN is_weekend THEN 'weekend' ELSE 'working day' END) AS day_kind,
    weekofyear(day) AS week,
    day = max(day) OVER () AS is_last_day
FROM ods.calendar;
