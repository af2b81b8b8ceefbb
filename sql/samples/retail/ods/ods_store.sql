/* wfgov
name: 门店
description: "Eleven shops and the web shop"
owner: chen.li
workflow: retail_ods
business_domain: trade
data_domain: store
layer: ODS
cron: "0 1 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
*/
CREATE SCHEMA IF NOT EXISTS ods;

CREATE OR REPLACE TABLE ods.store AS
SELECT *
FROM (
    VALUES
        (1, 'Web shop', 'online', '全国', '线上', 46),
        (2, 'Shanghai Xuhui', 'shop', '上海', '华东', 9),
        (3, 'Shanghai Pudong', 'shop', '上海', '华东', 8),
        (4, 'Hangzhou Xihu', 'shop', '杭州', '华东', 6),
        (5, 'Nanjing Xinjiekou', 'shop', '南京', '华东', 5),
        (6, 'Beijing Chaoyang', 'shop', '北京', '华北', 7),
        (7, 'Tianjin Heping', 'shop', '天津', '华北', 3),
        (8, 'Guangzhou Tianhe', 'shop', '广州', '华南', 5),
        (9, 'Shenzhen Nanshan', 'shop', '深圳', '华南', 5),
        (10, 'Chengdu Jinjiang', 'shop', '成都', '西南', 3),
        (11, 'Chongqing Yuzhong', 'shop', '重庆', '西南', 2),
        (12, 'Wuhan Jianghan', 'shop', '武汉', '华中', 1)
) AS s (store_id, store_name, channel, city, region, share);  -- share of all orders, in percent
