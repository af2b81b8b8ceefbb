/* wfgov
name: 商品维度
description: "Products with margin and price band inside their category"
owner: wang.fang
workflow: retail_dim
business_domain: goods
data_domain: product
layer: DWD
cron: "30 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS dwd;

CREATE OR REPLACE TABLE dwd.dim_product AS
SELECT
    product_id,
    sku,
    product_name,
    category,
    brand,
    list_price,
    unit_cost,
    lead_days,
    CAST(1 - unit_cost / list_price AS DECIMAL(5, 4)) AS margin_rate,
    ['low', 'middle', 'high'][ntile(3) OVER (PARTITION BY category ORDER BY list_price, product_id)] AS price_band
FROM ods.product;
