/* wfgov
name: 商品
description: "200 products of eight categories; a low id sells more"
owner: wang.fang
workflow: retail_ods
business_domain: goods
data_domain: product
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.product AS
WITH category (category_id, category, base_price, brand) AS (
    VALUES
        (0, 'Cooling', 189.00, 'Liangfeng'),
        (1, 'Kitchen', 129.00, 'Chuyi'),
        (2, 'Clothing', 99.00, 'Yishang'),
        (3, 'Shoes', 159.00, 'Bufan'),
        (4, 'Beauty', 79.00, 'Meiyan'),
        (5, 'Snacks', 24.00, 'Weiduo'),
        (6, 'Baby', 89.00, 'Tongle'),
        (7, 'Sports', 139.00, 'Yundong')
), numbered AS (
    SELECT i AS product_id, hash(i, 'category') % 8 AS category_id, hash(i, 'price') % 1000 / 1000.0 AS u
    FROM range(1, 201) AS r (i)
)
SELECT
    n.product_id,
    printf('SKU-%05d', n.product_id) AS sku,
    c.category || ' ' || n.product_id AS product_name,
    c.category,
    c.brand,
    CAST(round(c.base_price * (0.4 + 1.6 * n.u), 0) + 0.90 AS DECIMAL(10, 2)) AS list_price,
    CAST(round(c.base_price * (0.4 + 1.6 * n.u) * (0.48 + 0.22 * (hash(n.product_id, 'cost') % 100) / 100.0), 2)
        AS DECIMAL(10, 2)) AS unit_cost,
    2 + hash(n.product_id, 'lead') % 9 AS lead_days
FROM numbered AS n
JOIN category AS c ON c.category_id = n.category_id;
