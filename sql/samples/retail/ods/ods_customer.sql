/* wfgov
name: 会员
description: "2,000 members; one in ten joined during the month"
owner: zhao.min
workflow: retail_ods
business_domain: member
data_domain: customer
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.customer AS
SELECT
    i AS customer_id,
    printf('M%06d', i) AS member_no,
    CASE WHEN hash(i, 'sex') % 100 < 58 THEN 'F' ELSE 'M' END AS sex,
    CAST(18 + (hash(i, 'age') % 1000 / 1000.0) ** 1.4 * 52 AS INTEGER) AS age,
    ['上海', '杭州', '南京', '北京', '天津', '广州', '深圳', '成都', '重庆', '武汉'][
        1 + CAST(hash(i, 'city') % 10 AS INTEGER)
    ] AS city,
    CASE
        WHEN hash(i, 'new') % 10 = 0 THEN DATE '2026-06-01' + CAST(hash(i, 'joined') % 30 AS INTEGER)
        ELSE DATE '2026-05-31' - CAST(hash(i, 'joined') % 1200 AS INTEGER)
    END AS registered_on,
    CASE WHEN hash(i, 'mail') % 100 < 63 THEN printf('m%06d@example.com', i) END AS email
FROM range(1, 2001) AS r (i);
