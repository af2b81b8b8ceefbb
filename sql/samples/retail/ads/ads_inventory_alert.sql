/* wfgov
name: 库存预警
description: "What to order today: out of stock, or gone before the next delivery can be here; and what lies around"
owner: liu.yang
workflow: retail_ads
business_domain: supply
data_domain: report
layer: ADS
cron: "0 6 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ads;

CREATE OR REPLACE TABLE ads.inventory_alert AS
SELECT
    p.sku,
    p.product_name,
    p.category,
    c.on_hand,
    c.owed,
    c.days_out,
    c.cover_days,
    p.lead_days,
    CASE
        WHEN c.on_hand = 0 THEN '缺货'
        WHEN c.cover_days < p.lead_days THEN '低库存'
        WHEN c.cover_days > 45 OR c.cover_days IS NULL THEN '积压'
    END AS alert,
    CASE WHEN c.on_hand = 0 OR c.cover_days < p.lead_days
         THEN CAST(ceil(c.units_7d * (p.lead_days + 7)) - c.on_hand + c.owed AS BIGINT) ELSE 0 END AS order_units
FROM dws.stock_cover AS c
JOIN dwd.dim_product AS p ON p.product_id = c.product_id
WHERE c.on_hand = 0 OR c.cover_days < p.lead_days OR c.cover_days > 45 OR c.cover_days IS NULL;
