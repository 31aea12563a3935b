-- The backup reads the ledger too; it cannot seal or append.
GRANT USAGE ON SCHEMA ledger TO wordbond_backup;
GRANT SELECT ON ledger.entry, ledger.tile, ledger.checkpoint, ledger.run, ledger.open_run TO wordbond_backup;
