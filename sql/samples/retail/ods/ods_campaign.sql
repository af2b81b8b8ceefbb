/* wfgov
name: 营销活动
description: "What marketing bought, with its daily cost"
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

CREATE OR REPLACE TABLE ods.campaign AS
SELECT *
FROM (
    VALUES
        (1, '618 warm-up', 'feed', DATE '2026-06-10', DATE '2026-06-15', 18000.00, 260),
        (2, '618 day', 'search', DATE '2026-06-16', DATE '2026-06-18', 42000.00, 620),
        (3, 'Summer cooling', 'short video', DATE '2026-06-05', DATE '2026-06-30', 9000.00, 110),
        (4, 'Member mail', 'mail', DATE '2026-06-01', DATE '2026-06-30', 600.00, 45),
        (5, 'Dragon Boat coupons', 'message', DATE '2026-06-19', DATE '2026-06-21', 9000.00, 150),
        (6, 'Store posters', 'poster', DATE '2026-06-01', DATE '2026-06-30', 1500.00, 12)
) AS c (campaign_id, campaign_name, medium, starts_on, ends_on, daily_cost, daily_touches);
