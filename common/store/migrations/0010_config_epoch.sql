-- The config epoch: one number that grows with every change to configuration or directory. Daemons cache what
-- they look up under it; admind announces it over RPC, and every lookup returns it, so a lost hint costs
-- seconds. Whoever changes something takes this row first (epoch_bump), so administrators' changes are serial.

CREATE TABLE admin.config_epoch (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  value   bigint NOT NULL CHECK (value > 0),
  changed timestamptz NOT NULL DEFAULT now()
);
INSERT INTO admin.config_epoch (value) VALUES (1);

-- Once a transaction: a bulk import of 10,000 rows must not leave a chain of as many dead versions.
CREATE FUNCTION admin.epoch_bump() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  UPDATE admin.config_epoch SET value = value + 1, changed = now()
   WHERE one AND xmin::text::bigint <> (pg_current_xact_id()::text::numeric % 4294967296)
$$;

-- Statement trigger: a hand-made UPDATE in psql counts as well.
CREATE FUNCTION admin.epoch_bump_trigger() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  PERFORM admin.epoch_bump();
  RETURN NULL;
END $$;

CREATE FUNCTION admin.config_epoch_v1() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT value FROM admin.config_epoch
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA admin FROM PUBLIC;
REVOKE ALL ON FUNCTION admin.epoch_bump(), admin.epoch_bump_trigger(), admin.config_epoch_v1() FROM PUBLIC;
GRANT USAGE ON SCHEMA admin TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
GRANT EXECUTE ON FUNCTION admin.config_epoch_v1()
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
