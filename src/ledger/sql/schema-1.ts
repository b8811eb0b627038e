/** Times are ISO 8601 in UTC with milliseconds, so that their texts compare as instants. JSON columns hold canonical JSON. */
export const FIRST = `
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  previous TEXT NOT NULL,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  environment TEXT,
  target TEXT,
  incident INTEGER,
  by TEXT,
  data TEXT NOT NULL,
  hash TEXT NOT NULL,
  content INTEGER NOT NULL           -- six bytes of a digest of what the caller gave: finds an entry appended again
) STRICT;
CREATE INDEX entries_by_target ON entries (environment, target, incident);
CREATE INDEX entries_by_time ON entries (at);
CREATE INDEX entries_by_content ON entries (content);

CREATE TABLE chain_head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;

CREATE TABLE checkpoints (
  seq INTEGER NOT NULL,
  head TEXT NOT NULL,
  at TEXT NOT NULL,
  key TEXT NOT NULL,
  signature TEXT NOT NULL,
  pruned INTEGER NOT NULL,
  PRIMARY KEY (seq, pruned)
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (digest TEXT PRIMARY KEY, environment TEXT NOT NULL, target TEXT NOT NULL, at TEXT NOT NULL, observation TEXT NOT NULL) STRICT;
CREATE INDEX reports_by_time ON reports (at);

CREATE TABLE targets (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT,
  digest TEXT NOT NULL,
  revision TEXT NOT NULL,
  commit_id TEXT,
  changes INTEGER NOT NULL,
  since TEXT NOT NULL,
  at TEXT NOT NULL,
  last_known_at TEXT,
  drift_fingerprint TEXT,
  changed_at TEXT NOT NULL,
  previous TEXT,                     -- the row before this look, so that the same look told again gets the same answer
  known_digest TEXT,                 -- of the last look that could tell
  look INTEGER NOT NULL,             -- numbers the looks that could tell and differed from the one before
  repeats INTEGER NOT NULL,          -- how often that look was seen again; its sightings are brought up to date when it ends
  PRIMARY KEY (environment, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE sightings (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  resource TEXT NOT NULL,
  path TEXT NOT NULL,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  count INTEGER NOT NULL,
  look INTEGER NOT NULL,
  PRIMARY KEY (environment, target, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX sightings_by_look ON sightings (environment, target, look);

CREATE TABLE incidents (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  drift TEXT NOT NULL,
  run_id TEXT,
  phase TEXT NOT NULL,
  outcome TEXT,
  risk TEXT,
  opened_at TEXT NOT NULL,
  closed_at TEXT,
  undoes INTEGER,
  parts TEXT NOT NULL,
  narrative TEXT,
  first_seq INTEGER NOT NULL,        -- its first entry: pruning stops before it while the incident is open
  PRIMARY KEY (environment, target, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX incidents_open ON incidents (environment, target) WHERE closed_at IS NULL;
CREATE INDEX incidents_by_time ON incidents (opened_at);

CREATE TABLE incident_changes (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  outcome TEXT,
  PRIMARY KEY (environment, target, fingerprint, number),
  FOREIGN KEY (environment, target, number) REFERENCES incidents (environment, target, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE settled (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  revision TEXT NOT NULL,
  incident INTEGER NOT NULL,
  until TEXT,
  row TEXT NOT NULL,
  PRIMARY KEY (environment, target, fingerprint, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE gates (
  scope TEXT NOT NULL,
  gate TEXT NOT NULL,
  change TEXT NOT NULL,              -- canonical JSON of fingerprint, revision, resource and path, null where it holds for none of its own
  until TEXT,
  row TEXT NOT NULL,
  PRIMARY KEY (scope, gate, change)
) STRICT, WITHOUT ROWID;

CREATE TABLE acceptances (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  change TEXT NOT NULL,              -- canonical JSON of resource, path and fingerprint, null where absent
  until TEXT NOT NULL,
  row TEXT NOT NULL,
  PRIMARY KEY (environment, target, change)
) STRICT, WITHOUT ROWID;

CREATE TABLE plans (hash TEXT PRIMARY KEY, environment TEXT NOT NULL, target TEXT NOT NULL, at TEXT NOT NULL, plan TEXT NOT NULL) STRICT;
CREATE INDEX plans_by_time ON plans (at);

CREATE TABLE asks (
  id TEXT PRIMARY KEY,
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  plan TEXT NOT NULL,
  seq INTEGER NOT NULL,              -- its entry: while that is kept, so is the plan
  row TEXT NOT NULL
) STRICT;
CREATE INDEX asks_by_plan ON asks (plan);

CREATE TABLE decisions (
  ask TEXT PRIMARY KEY REFERENCES asks (id),
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  message TEXT NOT NULL,
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  row TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_incident ON decisions (environment, target, number);

CREATE TABLE fences (environment TEXT NOT NULL, target TEXT NOT NULL, token INTEGER NOT NULL, PRIMARY KEY (environment, target)) STRICT, WITHOUT ROWID;
CREATE TABLE fence_attempts (
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  step TEXT NOT NULL,
  run TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  token INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (environment, target, step, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
  key TEXT PRIMARY KEY,
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  step TEXT NOT NULL,
  write TEXT NOT NULL,
  resource TEXT,
  plan TEXT NOT NULL,
  fence INTEGER NOT NULL,
  at TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  child TEXT,
  closed_at TEXT,
  ok INTEGER,
  error TEXT
) STRICT;
CREATE INDEX intents_by_incident ON intents (environment, target, number);
CREATE INDEX intents_open ON intents (environment, target) WHERE closed_at IS NULL;
CREATE INDEX intents_by_time ON intents (at);

CREATE TABLE steps (key TEXT PRIMARY KEY, result TEXT NOT NULL) STRICT;

CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  sink TEXT NOT NULL,
  event TEXT NOT NULL,
  subject TEXT NOT NULL,
  at TEXT NOT NULL,
  body TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at TEXT NOT NULL,
  taken_until TEXT,
  delivered_at TEXT,
  given_up_at TEXT,
  error TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (next_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;
