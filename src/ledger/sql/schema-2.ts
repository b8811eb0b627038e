/** Approvals that do not decide alone: one for each person and question. */
export const VOTES = `
CREATE TABLE votes (
  ask TEXT NOT NULL REFERENCES asks (id),
  person TEXT NOT NULL,
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  number INTEGER NOT NULL,
  message TEXT NOT NULL,
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  row TEXT NOT NULL,
  PRIMARY KEY (ask, person)
) STRICT;
CREATE INDEX votes_by_incident ON votes (environment, target, number, message);
`;
