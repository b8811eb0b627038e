/** When a target was read for the first time, whatever was tried before: what stood there then is first seen. Absent for what an older version looked at. */
export const FIRST_LOOK = `
ALTER TABLE targets ADD COLUMN first_known_at TEXT;
`;
