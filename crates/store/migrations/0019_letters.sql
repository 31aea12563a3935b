-- Letters of what was decided about a request: the log says which was written and what became of it, so that one that nobody
-- handed over is missed.
ALTER TABLE wordbond.mail ADD COLUMN case_id uuid;
