-- Claims as their events have them, of which contracts keep an id only. Found in `block`: a reorganization may put another in
-- one's place.
CREATE TABLE posted (
    claim     TEXT PRIMARY KEY NOT NULL,
    job       TEXT NOT NULL,
    statement TEXT NOT NULL,
    provider  TEXT NOT NULL,
    block     BIGINT NOT NULL,
    -- ABI.
    data      TEXT NOT NULL,
    -- Words of the commitments to activations.
    points    TEXT NOT NULL
);
CREATE INDEX posted_job ON posted (job);
CREATE INDEX posted_statement ON posted (statement);

-- Final proofs at hand, by the hash of their files.
CREATE TABLE finals (
    id   TEXT PRIMARY KEY NOT NULL,
    path TEXT NOT NULL
);

-- What they prove: layers of claims, which are named by their jobs. The intent that sends one has its id in the place of a
-- claim.
CREATE TABLE final_claims (
    final  TEXT NOT NULL,
    claim  TEXT NOT NULL,
    layers TEXT NOT NULL,
    -- 1: at the last look at the claim it was to be sent, or it was not looked at since.
    wanted BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (final, claim)
);
CREATE INDEX final_claims_claim ON final_claims (claim);
