-- Instants are microseconds since 1970 (UTC). Codes are those of the proto. SQLite reads BYTEA as any type.

-- +goose Up

-- What drmhub was asked to change, one row a call.
CREATE TABLE mutations (
    id                 TEXT PRIMARY KEY,           -- a UUID of version 7: in order of time
    subject            TEXT NOT NULL,              -- who called
    request_id         TEXT,                       -- NULL where the caller gave none
    method             TEXT NOT NULL,              -- drmhub.v1.SiteService/DisableSite
    resource           TEXT NOT NULL,
    digest             BYTEA NOT NULL,             -- HMAC of the request
    request            BYTEA NOT NULL,             -- without its secrets
    secrets            BIGINT NOT NULL,            -- 1: it held secrets, which are not kept
    state              BIGINT NOT NULL,            -- Mutation.State
    answer             BYTEA,                      -- google.protobuf.Any, without its secrets
    error              BYTEA,                      -- google.rpc.Status
    vendor_http_status BIGINT NOT NULL DEFAULT 0,
    vendor_code        TEXT NOT NULL DEFAULT '',
    create_time        BIGINT NOT NULL,
    send_time          BIGINT,                     -- of the first write
    settle_time        BIGINT,
    owner              TEXT NOT NULL DEFAULT '',   -- the replica that runs it now
    attempts           BIGINT NOT NULL DEFAULT 0,  -- to settle it
    settle_at          BIGINT,                     -- when it is to be settled, unless somebody runs it; NULL: it is settled, or never can be
    resend_id          TEXT NOT NULL DEFAULT ''    -- the request_id of the latest ResendMutation
);
CREATE UNIQUE INDEX mutations_by_request_id ON mutations (subject, request_id);
CREATE INDEX mutations_to_settle ON mutations (settle_at) WHERE settle_at IS NOT NULL;
CREATE INDEX mutations_by_resource ON mutations (resource, id);

-- The writes at a vendor of which a mutation consists, and what was read before them.
CREATE TABLE steps (
    mutation    TEXT NOT NULL REFERENCES mutations (id) ON DELETE CASCADE,
    step        TEXT NOT NULL,
    position    BIGINT NOT NULL,
    state       BIGINT NOT NULL,                   -- mutation.State of package adapters/mutation
    answer      BYTEA,
    error       BYTEA,
    http_status BIGINT NOT NULL DEFAULT 0,
    send_time   BIGINT,
    settle_time BIGINT,
    PRIMARY KEY (mutation, step)
);

-- What no other mutation may touch until the one that holds it is settled.
CREATE TABLE locks (
    resource TEXT PRIMARY KEY,
    mutation TEXT NOT NULL REFERENCES mutations (id) ON DELETE CASCADE
);
CREATE INDEX locks_by_mutation ON locks (mutation);

-- The processes that run mutations. What one runs is nobody else's while it is alive.
CREATE TABLE replicas (
    id          TEXT PRIMARY KEY,
    alive_until BIGINT NOT NULL
);

CREATE TABLE audit_events (
    chain          TEXT NOT NULL,                  -- the replica that wrote it
    position       BIGINT NOT NULL,                -- from 1, without a gap
    time           BIGINT NOT NULL,
    subject        TEXT NOT NULL,
    method         TEXT NOT NULL,
    resource       TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    vendor_code    TEXT NOT NULL,
    previous_hash  TEXT NOT NULL,
    hash           TEXT NOT NULL,
    PRIMARY KEY (chain, position)
);
CREATE INDEX audit_events_by_time ON audit_events (time, chain, position);

-- Keys that all replicas share.
CREATE TABLE keys (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- +goose Down
DROP TABLE keys;
DROP TABLE audit_events;
DROP TABLE replicas;
DROP TABLE locks;
DROP TABLE steps;
DROP TABLE mutations;
