-- What each process of Holdfast may do in the database of the ledger and the artifacts, and no more.
-- Run it as the owner, after `holdfast doctor --fix --only record artifacts` has made the tables, and
-- again after every upgrade. It changes no password: ALTER ROLE holdfast_read PASSWORD '…'.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['holdfast_control', 'holdfast_read', 'holdfast_write'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT', name);
    END IF;
  END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA holdfast, holdfast_artifacts FROM holdfast_control, holdfast_read, holdfast_write, PUBLIC;
GRANT USAGE ON SCHEMA holdfast TO holdfast_control, holdfast_read, holdfast_write;

-- Everybody adds to the record; triggers hold everybody to adding at its end and changing nothing in it.
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA holdfast TO holdfast_control, holdfast_read, holdfast_write;
GRANT DELETE ON holdfast.settled, holdfast.gates TO holdfast_read, holdfast_write;
-- Control alone signs, and removes what is past its time.
GRANT DELETE ON ALL TABLES IN SCHEMA holdfast TO holdfast_control;
REVOKE INSERT, UPDATE ON holdfast.checkpoints, holdfast.signers, holdfast.schema_versions FROM holdfast_read, holdfast_write;
REVOKE INSERT, UPDATE, DELETE ON holdfast.schema_versions FROM holdfast_control;

-- Write workers alone put and read artifacts. Control removes old ones and sees none of their content.
GRANT USAGE ON SCHEMA holdfast_artifacts TO holdfast_control, holdfast_write;
GRANT SELECT ON holdfast_artifacts.schema_versions TO holdfast_control, holdfast_write;
GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_artifacts.artifacts TO holdfast_write;
GRANT SELECT (environment, name, at), DELETE ON holdfast_artifacts.artifacts TO holdfast_control;
