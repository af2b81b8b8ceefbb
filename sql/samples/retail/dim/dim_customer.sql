/* wfgov
name: 会员维度
description: "Members, merged by member: whoever is known is updated, nobody is lost"
owner: zhao.min
workflow: retail_dim
business_domain: member
data_domain: customer
layer: DWD
cron: "30 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE TABLE IF NOT EXISTS dwd.dim_customer (
    customer_id BIGINT PRIMARY KEY,
    member_no VARCHAR,
    sex VARCHAR,
    age_band VARCHAR,
    city VARCHAR,
    registered_on DATE,
    is_new BOOLEAN,
    can_be_mailed BOOLEAN
);

MERGE INTO dwd.dim_customer AS d
USING (
    SELECT
        customer_id,
        member_no,
        sex,
        CASE WHEN age < 25 THEN '18-24' WHEN age < 35 THEN '25-34' WHEN age < 50 THEN '35-49' ELSE '50+' END
            AS age_band,
        city,
        registered_on,
        registered_on >= DATE '2026-06-01' AS is_new,
        email IS NOT NULL AS can_be_mailed
    FROM ods.customer
) AS s
ON d.customer_id = s.customer_id
WHEN MATCHED THEN UPDATE SET
    age_band = s.age_band, city = s.city, is_new = s.is_new, can_be_mailed = s.can_be_mailed
WHEN NOT MATCHED THEN INSERT
    VALUES (s.customer_id, s.member_no, s.sex, s.age_band, s.city, s.registered_on, s.is_new, s.can_be_mailed);
