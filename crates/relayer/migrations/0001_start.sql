-- One schema for SQLite and PostgreSQL: hashes, addresses and amounts are text, times and numbers 64 bits.

-- Which chain, contracts and account this database is of.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Claims, by the id of their job.
CREATE TABLE claims (
    id          TEXT PRIMARY KEY NOT NULL,
    role        TEXT NOT NULL,
    directory   TEXT NOT NULL,
    -- 1: nothing is left to do, as of ended_block.
    ended       BIGINT NOT NULL DEFAULT 0,
    ended_block BIGINT,
    -- 1: something happened, look at it with the next block. It is looked at anyway from the chain's time `wake` on.
    dirty       BIGINT NOT NULL DEFAULT 1,
    wake        BIGINT NOT NULL DEFAULT 0,
    -- Until when something of ours is due; zero: nothing is.
    due         BIGINT NOT NULL DEFAULT 0,
    next        TEXT NOT NULL DEFAULT '',
    -- What the chain said, as JSON.
    facts       TEXT,
    -- Watchers: what re-execution found, or which layers to audit, as JSON.
    verdict     TEXT,
    error_code  TEXT,
    error       TEXT,
    failures    BIGINT NOT NULL DEFAULT 0,
    added       BIGINT NOT NULL,
    updated     BIGINT NOT NULL
);
CREATE INDEX claims_open ON claims (ended, dirty, wake);

-- What is to be sent. Each has one nonce at most, so one of its transactions at most takes effect.
CREATE TABLE intents (
    id             TEXT PRIMARY KEY NOT NULL,
    claim          TEXT NOT NULL,
    action         TEXT NOT NULL,
    what           TEXT NOT NULL,
    destination    TEXT NOT NULL,
    data           TEXT NOT NULL,
    status         TEXT NOT NULL,
    deadline       BIGINT NOT NULL,
    created        BIGINT NOT NULL,
    gas_limit      BIGINT NOT NULL DEFAULT 0,
    nonce          BIGINT,
    -- Where it was included.
    block          BIGINT,
    block_hash     TEXT,
    block_time     BIGINT,
    tx             TEXT,
    gas_used       BIGINT,
    fee            TEXT,
    error          TEXT
);
CREATE INDEX intents_status ON intents (status, nonce);
CREATE INDEX intents_claim ON intents (claim, action);

-- Signed transactions of intents: written before they are broadcast.
CREATE TABLE attempts (
    hash         TEXT PRIMARY KEY NOT NULL,
    intent       TEXT NOT NULL,
    nonce        BIGINT NOT NULL,
    -- 1: it does nothing but use the nonce up.
    cancels      BIGINT NOT NULL,
    raw          TEXT NOT NULL,
    max_fee      TEXT NOT NULL,
    priority_fee TEXT NOT NULL,
    -- Newest block when it was signed.
    signed_block BIGINT NOT NULL
);
CREATE INDEX attempts_intent ON attempts (intent);

-- The newest blocks that were looked at, each linked to the one before.
CREATE TABLE blocks (
    number BIGINT PRIMARY KEY NOT NULL,
    hash   TEXT NOT NULL,
    parent TEXT NOT NULL
);
