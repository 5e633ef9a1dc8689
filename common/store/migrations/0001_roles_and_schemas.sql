-- Roles and schemas. Run once by a superuser (or a role with CREATEROLE that owns the database); every later
-- migration runs as dromos_owner. A daemon's role owns nothing: it gets EXECUTE on versioned functions, and
-- imapd and jmapd SELECT on the mail tables they stream.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['dromos_owner', 'dromos_mta', 'dromos_imapd', 'dromos_jmapd', 'dromos_spamd', 'dromos_admind']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database of this cluster is being migrated at the same moment
      END;
    END IF;
  END LOOP;
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    -- The lock watchdog (mail.watchdog_v1) looks at and ends sessions of the daemons.
    GRANT pg_signal_backend, pg_read_all_stats TO dromos_owner;
  END IF;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO dromos_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind',
                 current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA mail AUTHORIZATION dromos_owner;
CREATE SCHEMA directory AUTHORIZATION dromos_owner;
CREATE SCHEMA queue AUTHORIZATION dromos_owner;
CREATE SCHEMA spam AUTHORIZATION dromos_owner;
-- The runner of migrations keeps its list there, and comes before.
CREATE SCHEMA IF NOT EXISTS admin;
ALTER SCHEMA admin OWNER TO dromos_owner;
CREATE TABLE IF NOT EXISTS admin.schema_migration (
  number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE admin.schema_migration OWNER TO dromos_owner;
-- Daemons compare it with what they were built for.
GRANT SELECT ON admin.schema_migration TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;

-- USAGE alone opens nothing: tables and functions are granted one by one.
GRANT USAGE ON SCHEMA mail, directory, queue, spam, admin
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;

-- No function of the owner is PUBLIC's, also none that a later migration forgets to revoke.
ALTER DEFAULT PRIVILEGES FOR ROLE dromos_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE dromos_owner REVOKE USAGE ON TYPES FROM PUBLIC;
