-- Roles of the ledger, by what a process does. Run it as the owner of the schema `holdfast`, after the
-- first migration and again after each upgrade; it may be run any number of times.
--
-- Each role is a group: give it to the login of a process with  GRANT holdfast_read TO shop_reader;
-- The owner is whoever ran the migration. No process needs its login while it runs.
DO $$
DECLARE name TEXT;
BEGIN
  FOREACH name IN ARRAY ARRAY['holdfast_control', 'holdfast_read', 'holdfast_write', 'holdfast_viewer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', name); END IF;
  END LOOP;
END $$;

REVOKE ALL ON SCHEMA holdfast FROM PUBLIC;
GRANT USAGE ON SCHEMA holdfast TO holdfast_control, holdfast_read, holdfast_write, holdfast_viewer;
REVOKE ALL ON ALL TABLES IN SCHEMA holdfast FROM holdfast_control, holdfast_read, holdfast_write, holdfast_viewer;
GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO holdfast_control, holdfast_read, holdfast_write, holdfast_viewer;

-- What every worker records: entries (which kinds is below), looks, where an incident stands, messages to people.
GRANT INSERT ON holdfast.entries TO holdfast_control, holdfast_read, holdfast_write;
GRANT INSERT, UPDATE ON holdfast.chain_head, holdfast.reports, holdfast.targets, holdfast.sightings, holdfast.incidents, holdfast.incident_changes
  TO holdfast_control, holdfast_read, holdfast_write;
GRANT INSERT ON holdfast.outbox TO holdfast_control, holdfast_read, holdfast_write;
GRANT INSERT, UPDATE ON holdfast.gates TO holdfast_control, holdfast_read, holdfast_write;

-- Read workers look, plan and ask: the plan, the question, and the answer where a rule allows the plan.
GRANT INSERT, UPDATE (at) ON holdfast.plans TO holdfast_read;
GRANT INSERT ON holdfast.asks, holdfast.decisions TO holdfast_read;
GRANT INSERT, UPDATE ON holdfast.settled TO holdfast_read;
-- The last proof ends the incident, and with it what a lost write worker left open.
GRANT UPDATE (closed_at, ok, error) ON holdfast.intents TO holdfast_read;

-- Write workers change things outside, and only they say so.
GRANT INSERT, UPDATE ON holdfast.fences, holdfast.fence_attempts, holdfast.intents TO holdfast_write;
GRANT INSERT ON holdfast.steps TO holdfast_write;

-- Control workers take decisions of people, end incidents, deliver messages, sign and prune. They may
-- remove entries as far as a pruning was signed for, which the server sees to; nobody may change one.
GRANT INSERT, UPDATE, DELETE ON holdfast.settled, holdfast.gates, holdfast.acceptances, holdfast.outbox, holdfast.meta, holdfast.intents TO holdfast_control;
GRANT INSERT, UPDATE (at), DELETE ON holdfast.plans TO holdfast_control;
GRANT INSERT ON holdfast.asks, holdfast.decisions, holdfast.votes, holdfast.steps, holdfast.signers TO holdfast_control;
GRANT INSERT, DELETE ON holdfast.checkpoints TO holdfast_control;
GRANT DELETE ON holdfast.entries, holdfast.reports, holdfast.sightings, holdfast.steps, holdfast.fence_attempts TO holdfast_control;

-- Which rows.
ALTER TABLE holdfast.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE holdfast.gates ENABLE ROW LEVEL SECURITY;
ALTER TABLE holdfast.decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE holdfast.intents ENABLE ROW LEVEL SECURITY;
DO $$
DECLARE place TEXT;
BEGIN
  FOREACH place IN ARRAY ARRAY['entries', 'gates', 'decisions', 'intents'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS seen ON holdfast.%I', place);
    EXECUTE format('DROP POLICY IF EXISTS control ON holdfast.%I', place);
    EXECUTE format('DROP POLICY IF EXISTS reading ON holdfast.%I', place);
    EXECUTE format('DROP POLICY IF EXISTS writing ON holdfast.%I', place);
    EXECUTE format('CREATE POLICY seen ON holdfast.%I FOR SELECT USING (true)', place);
    EXECUTE format('CREATE POLICY control ON holdfast.%I TO holdfast_control USING (true) WITH CHECK (true)', place);
  END LOOP;
END $$;
CREATE POLICY reading ON holdfast.entries FOR INSERT TO holdfast_read
  WITH CHECK (kind IN ('drift', 'clean', 'unknown', 'opened', 'assessed', 'asked', 'decided', 'validated', 'gate', 'settled', 'closed')
    OR kind = 'outcome' AND data::json ->> 'ok' = 'false');
CREATE POLICY writing ON holdfast.entries FOR INSERT TO holdfast_write
  WITH CHECK (kind IN ('drift', 'clean', 'unknown', 'intent', 'outcome', 'staged', 'validated', 'finalized', 'rolled-back', 'gate', 'adopted', 'refused'));
-- What a read worker proves opens or keeps closed the breaker of failed repairs, never the one that a failed rollback closed.
CREATE POLICY reading ON holdfast.gates TO holdfast_read
  USING (gate IN ('flapping', 'busy') OR gate = 'breaker' AND (row::json ->> 'halfOpenAt' IS NOT NULL OR row::json ->> 'holder' IS NOT NULL))
  WITH CHECK (gate IN ('flapping', 'busy') OR gate = 'breaker' AND (row::json ->> 'halfOpenAt' IS NOT NULL OR row::json ->> 'holder' IS NOT NULL));
CREATE POLICY writing ON holdfast.gates TO holdfast_write
  USING (gate IN ('quarantine', 'breaker', 'budget', 'busy', 'step-back')) WITH CHECK (gate IN ('quarantine', 'breaker', 'budget', 'busy', 'step-back'));
-- A read worker says of an open intent that it was cut short, never that it was done.
CREATE POLICY reading ON holdfast.intents FOR UPDATE TO holdfast_read USING (closed_at IS NULL) WITH CHECK (ok = 0);
CREATE POLICY writing ON holdfast.intents TO holdfast_write USING (true) WITH CHECK (true);
-- A rule's answer to a question that was opened for a rule; never a person's.
CREATE POLICY reading ON holdfast.decisions FOR INSERT TO holdfast_read
  WITH CHECK (row::json ->> 'decision' = 'policy' AND EXISTS (SELECT FROM holdfast.asks WHERE asks.id = ask AND asks.row::json ->> 'kind' = 'policy'));
