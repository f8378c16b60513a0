-- What a transaction may cost besides gas times price, in wei: some rollups charge for its bytes.
ALTER TABLE attempts ADD COLUMN data_fee TEXT NOT NULL DEFAULT '0';
