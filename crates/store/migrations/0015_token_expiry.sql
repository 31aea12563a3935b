-- API tokens end by themselves. Those that are there already end a year from now.
ALTER TABLE wordbond.token ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '365 days';
ALTER TABLE wordbond.token ALTER COLUMN expires_at DROP DEFAULT;
