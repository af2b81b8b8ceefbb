-- One row per task and workflow version, made from the kept intervals. A version that a clean-up emptied has no
-- functional hash and no tasks.
CREATE VIEW workflow_task_version AS
SELECT
    w.workflow_code,
    v.version_no AS workflow_version,
    l.task_code,
    l.task_version
FROM workflow_task_log AS l
JOIN data_workflow AS w ON w.id = l.workflow_id
JOIN workflow_version AS v
  ON v.workflow_id = l.workflow_id
 AND v.version_no >= l.from_version
 AND (l.to_version IS NULL OR v.version_no <= l.to_version)
 AND v.functional_hash <> ''
