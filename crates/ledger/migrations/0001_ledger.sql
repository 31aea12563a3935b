-- The ledger: what is appended, the tree over it, the checkpoints, and the counter of attacks.
--
-- Run as the owner, once; the roles wordbond_app, wordbond_recorder, wordbond_auditor and wordbond_sealer must exist.
--
-- Triggers refuse to change what is sealed. They keep a mistake or an injected statement from doing harm; they do not bind
-- the owner, who can drop them, nor whoever writes the files of the server. Against those no database has a lock. The log
-- itself is: every reader who kept a checkpoint sees that what it stood for has changed.

CREATE SCHEMA ledger;

CREATE TABLE ledger.entry (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The appending transaction: the sealer orders by the time of its commit, not by when it began.
    xact        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    appended_at timestamptz NOT NULL DEFAULT now(),
    kind        text NOT NULL,
    promise     text,
    body        bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 65535),
    -- The leaf's place in the tree, from 0 without a gap; NULL until it is sealed.
    idx         bigint UNIQUE CHECK (idx >= 0)
);
CREATE INDEX entry_unsealed ON ledger.entry (id) WHERE idx IS NULL;
CREATE INDEX entry_promise ON ledger.entry (promise, id) WHERE promise IS NOT NULL;
CREATE INDEX entry_kind ON ledger.entry (kind, id) WHERE kind NOT IN ('audit', 'observation');

-- Compressing a few hundred bytes of JSON costs the appender more than it saves.
ALTER TABLE ledger.entry ALTER COLUMN body SET STORAGE EXTERNAL;

-- The hashes of a tile side by side, 32 bytes each; fewer than 256 at the right edge of the tree.
CREATE TABLE ledger.tile (
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    n      bigint NOT NULL CHECK (n >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, n)
);
ALTER TABLE ledger.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Signed tree heads. The size is the key: no two roots for one size can ever stand here, whoever signs.
CREATE TABLE ledger.checkpoint (
    size bigint PRIMARY KEY CHECK (size >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL,
    at   timestamptz NOT NULL
);

-- How many attacks on a promise have begun. Its number is in each observation, so one left out leaves a gap.
CREATE TABLE ledger.run (
    promise text PRIMARY KEY,
    n       bigint NOT NULL CHECK (n >= 1)
);

-- The attacks that have begun and whose observation is not appended yet: what a crash interrupted stays here.
CREATE TABLE ledger.open_run (
    promise  text NOT NULL,
    n        bigint NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (promise, n)
);

CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows: % on ledger.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- An entry changes once: it gets its place.
CREATE FUNCTION ledger.only_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.idx IS NOT NULL OR NEW.idx IS NULL
        OR (NEW.id, NEW.xact, NEW.appended_at, NEW.kind, NEW.promise, NEW.body)
            IS DISTINCT FROM (OLD.id, OLD.xact, OLD.appended_at, OLD.kind, OLD.promise, OLD.body) THEN
        RAISE EXCEPTION 'entry % of the ledger cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A tile changes by growing.
CREATE FUNCTION ledger.only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.level, NEW.n) IS DISTINCT FROM (OLD.level, OLD.n)
        OR substring(NEW.hashes FROM 1 FOR octet_length(OLD.hashes)) IS DISTINCT FROM OLD.hashes THEN
        RAISE EXCEPTION 'tile % of level % can only grow', OLD.n, OLD.level USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A checkpoint changes by being signed again, later.
CREATE FUNCTION ledger.only_resign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.size, NEW.root) IS DISTINCT FROM (OLD.size, OLD.root) OR NEW.at < OLD.at THEN
        RAISE EXCEPTION 'the checkpoint at size % can only be signed again', OLD.size USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A counter goes up by one.
CREATE FUNCTION ledger.only_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.promise IS DISTINCT FROM OLD.promise OR NEW.n <> OLD.n + 1 THEN
        RAISE EXCEPTION 'the counter of «%» only goes up by one', OLD.promise USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- What anybody may believe of a service is appended by the recorder alone. The application, which meets strangers, appends
-- commitments to audit events and nothing else: a statement injected there must not become an observation.
CREATE FUNCTION ledger.only_commitments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'wordbond_app' AND (NEW.kind <> 'audit' OR NEW.promise IS NOT NULL
        OR convert_from(NEW.body, 'UTF8') NOT LIKE '{"kind":"audit",%') THEN
        RAISE EXCEPTION 'the application may only append commitments to audit events' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER entry_insert BEFORE INSERT ON ledger.entry FOR EACH ROW EXECUTE FUNCTION ledger.only_commitments();
CREATE TRIGGER entry_update BEFORE UPDATE ON ledger.entry FOR EACH ROW EXECUTE FUNCTION ledger.only_place();
CREATE TRIGGER tile_update BEFORE UPDATE ON ledger.tile FOR EACH ROW EXECUTE FUNCTION ledger.only_grow();
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON ledger.checkpoint FOR EACH ROW EXECUTE FUNCTION ledger.only_resign();
CREATE TRIGGER run_update BEFORE UPDATE ON ledger.run FOR EACH ROW EXECUTE FUNCTION ledger.only_count();

CREATE TRIGGER entry_delete BEFORE DELETE OR TRUNCATE ON ledger.entry FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER tile_delete BEFORE DELETE OR TRUNCATE ON ledger.tile FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER checkpoint_delete BEFORE DELETE OR TRUNCATE ON ledger.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER run_delete BEFORE DELETE OR TRUNCATE ON ledger.run FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();

GRANT USAGE ON SCHEMA ledger TO wordbond_app, wordbond_recorder, wordbond_auditor, wordbond_sealer;

-- Whoever appends cannot say where in the tree, when, or in which transaction.
GRANT SELECT ON ledger.entry, ledger.tile, ledger.checkpoint, ledger.run, ledger.open_run TO wordbond_app, wordbond_recorder;
GRANT INSERT (kind, promise, body) ON ledger.entry TO wordbond_app, wordbond_recorder;
GRANT INSERT (promise, n), UPDATE (n) ON ledger.run TO wordbond_recorder;
GRANT INSERT (promise, n), DELETE ON ledger.open_run TO wordbond_recorder;

GRANT SELECT ON ledger.entry, ledger.tile, ledger.checkpoint, ledger.run, ledger.open_run TO wordbond_auditor;

-- The sealer gives places and grows the tree; it cannot append.
GRANT SELECT, UPDATE (idx) ON ledger.entry TO wordbond_sealer;
GRANT SELECT, INSERT, UPDATE (hashes) ON ledger.tile TO wordbond_sealer;
GRANT SELECT, INSERT, UPDATE (note, at) ON ledger.checkpoint TO wordbond_sealer;
