/** A vote stands once it was given: whoever could take one back, or move it to another person, could unmake an approval or make one. */
export const VOTE_GUARDS = `
CREATE TRIGGER votes_stand BEFORE UPDATE OR DELETE OR TRUNCATE ON votes FOR EACH STATEMENT EXECUTE FUNCTION record_stands();
`;
