-- Durable jobs and attachments.
CREATE TABLE job (
    id {id},
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL, -- waiting, running, dead
    attempt BIGINT NOT NULL DEFAULT 0, -- runs that began
    due BIGINT NOT NULL,
    owner TEXT NOT NULL DEFAULT '', -- the process that runs it
    lease BIGINT NOT NULL DEFAULT 0, -- unless renewed, others may take it from then on
    error TEXT NOT NULL DEFAULT '', -- of the last run
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_waiting ON job (kind, key) WHERE state = 'waiting';
CREATE UNIQUE INDEX job_running ON job (kind, key) WHERE state = 'running';
CREATE INDEX job_due ON job (state, kind, due, id);

-- Attachments, when they are kept in the database: `blob` is the whole, in pieces in `blob_part`.
CREATE TABLE blob (
    hash TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    whole BIGINT NOT NULL, -- 0 while its pieces still come in
    created BIGINT NOT NULL
);
CREATE INDEX blob_unfinished ON blob (created) WHERE whole = 0;
CREATE TABLE blob_part (
    hash TEXT NOT NULL REFERENCES blob (hash) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    bytes {bytes} NOT NULL,
    PRIMARY KEY (hash, part)
);
