import { SCHEMA } from './pool.js';

/**
 * What the server itself holds everyone to, whatever they were granted: an entry follows the head,
 * the head follows the entries, entries do not change, and only a prefix that a pruning has signed
 * for is removed. Whoever owns the tables can take these away; `audit verify` is for that.
 */
export const GUARDS = `
CREATE TABLE signers (key TEXT COLLATE "C" PRIMARY KEY, at TEXT COLLATE "C" NOT NULL);

CREATE FUNCTION entry_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = ${SCHEMA} AS $$
DECLARE head chain_head%ROWTYPE;
BEGIN
  SELECT * INTO head FROM chain_head;
  IF NEW.seq <> coalesce(head.seq, 0) + 1 OR NEW.previous <> coalesce(head.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'entry % does not follow the head of the chain', NEW.seq USING ERRCODE = '40001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_follows BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entry_follows();

CREATE FUNCTION head_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = ${SCHEMA} AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.seq = OLD.seq + 1 OR TG_OP = 'INSERT' AND NEW.seq = 1 THEN
    IF EXISTS (SELECT FROM entries WHERE seq = NEW.seq AND hash = NEW.hash) THEN RETURN NEW; END IF;
  END IF;
  -- The upsert of the next head is tried as an insert first.
  IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM chain_head) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the head of the chain follows its entries' USING ERRCODE = '42501';
END $$;
CREATE TRIGGER head_follows BEFORE INSERT OR UPDATE ON chain_head FOR EACH ROW EXECUTE FUNCTION head_follows();

CREATE FUNCTION record_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the record is append-only' USING ERRCODE = '42501';
END $$;
CREATE TRIGGER record_stands BEFORE UPDATE OR TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION record_stands();
CREATE TRIGGER head_stands BEFORE DELETE OR TRUNCATE ON chain_head FOR EACH STATEMENT EXECUTE FUNCTION record_stands();

CREATE FUNCTION pruning_signed() RETURNS trigger LANGUAGE plpgsql SET search_path = ${SCHEMA} AS $$
BEGIN
  IF (SELECT max(seq) FROM gone) > coalesce((SELECT max(seq) FROM checkpoints WHERE pruned = 1), 0) THEN
    RAISE EXCEPTION 'entries are removed by a signed pruning only' USING ERRCODE = '42501';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER pruning_signed AFTER DELETE ON entries REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION pruning_signed();
`;
