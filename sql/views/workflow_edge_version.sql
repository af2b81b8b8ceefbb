-- Spec C's shape of the relation log: one row per edge and workflow version, made from the kept intervals.
-- A version that a clean-up emptied has no functional hash and no edges.
CREATE VIEW workflow_edge_version AS
SELECT
    l.workflow_code,
    v.version_no AS workflow_version,
    l.pre_task_code,
    l.pre_task_version,
    l.post_task_code,
    l.post_task_version
FROM workflow_edge_log AS l
JOIN data_workflow AS w ON w.workflow_code = l.workflow_code
JOIN workflow_version AS v
  ON v.workflow_id = w.id
 AND v.version_no >= l.from_version
 AND (l.to_version IS NULL OR v.version_no <= l.to_version)
 AND v.functional_hash <> ''
