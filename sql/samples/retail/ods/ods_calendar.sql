/* wfgov
name: 日历
description: "June 2026 day by day; demand_factor carries weekends, the 618 sale and the slow growth of summer"
owner: chen.li
workflow: retail_ods
business_domain: trade
data_domain: calendar
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.calendar AS
WITH days AS (
    SELECT CAST(d AS DATE) AS day
    FROM generate_series(TIMESTAMP '2026-06-01', TIMESTAMP '2026-06-30', INTERVAL 1 DAY) AS s (d)
)
SELECT
    day,
    isodow(day) AS weekday,
    isodow(day) >= 6 AS is_weekend,
    CASE
        WHEN day BETWEEN DATE '2026-06-16' AND DATE '2026-06-18' THEN '618'
        WHEN day BETWEEN DATE '2026-06-19' AND DATE '2026-06-21' THEN 'Dragon Boat Festival'
    END AS event,
    CAST(
        CASE WHEN isodow(day) >= 6 THEN 1.25 WHEN isodow(day) = 1 THEN 0.85 ELSE 1.0 END
        * CASE
            WHEN day = DATE '2026-06-18' THEN 2.6
            WHEN day BETWEEN DATE '2026-06-16' AND DATE '2026-06-17' THEN 1.7
            WHEN day BETWEEN DATE '2026-06-19' AND DATE '2026-06-21' THEN 0.75  -- people are travelling
            ELSE 1.0
        END
        * (1 + 0.004 * day(day))
        AS DECIMAL(6, 3)
    ) AS demand_factor
FROM days;
