-- Spec A's extension of data_task: the task with its workflow, its counts and whether it depends across workflows.
CREATE VIEW data_task_governed AS
SELECT
    t.id,
    t.task_code,
    t.task_name,
    t.task_type,
    t.dolphin_node_type,
    t.schedule_cron,
    t.owner,
    w.id AS workflow_id,
    w.workflow_code,
    r.workflow_inheritance_mode,
    p.level,
    COALESCE(p.upstream_task_count, 0) AS upstream_task_count,
    COALESCE(p.downstream_task_count, 0) AS downstream_task_count,
    CASE
        WHEN EXISTS (SELECT 1 FROM cross_workflow_dependency AS c WHERE c.task_id = t.id)
          OR EXISTS (SELECT 1 FROM cross_workflow_dependency AS c WHERE c.upstream_task_id = t.id)
        THEN 1 ELSE 0
    END AS has_cross_workflow_dependency
FROM data_task AS t
LEFT JOIN workflow_task_relation AS r ON r.task_id = t.id
LEFT JOIN data_workflow AS w ON w.id = r.workflow_id
LEFT JOIN task_topology AS p ON p.task_id = t.id
WHERE t.deleted = 0
