-- Roles of the artifact store, in its database: run it as the owner of the schema `holdfast_artifacts`,
-- after the store was made (`holdfast doctor --fix`). Read workers and viewers get nothing.
DO $$
DECLARE name TEXT;
BEGIN
  FOREACH name IN ARRAY ARRAY['holdfast_control', 'holdfast_write'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', name); END IF;
  END LOOP;
END $$;

REVOKE ALL ON SCHEMA holdfast_artifacts FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA holdfast_artifacts FROM PUBLIC;
GRANT USAGE ON SCHEMA holdfast_artifacts TO holdfast_control, holdfast_write;
GRANT SELECT ON holdfast_artifacts.schema_versions TO holdfast_control, holdfast_write;
GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_artifacts.artifacts TO holdfast_write;
-- Pruning goes by age and never reads content, which is encrypted with keys that control has not.
GRANT SELECT (environment, name, at), DELETE ON holdfast_artifacts.artifacts TO holdfast_control;
