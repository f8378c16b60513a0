-- Fees of a day, and what a reorganization undoes, without reading all calldata.
CREATE INDEX intents_time ON intents (block_time, fee);
CREATE INDEX intents_block ON intents (block);
-- Written once, never read.
ALTER TABLE intents DROP COLUMN block_hash;
