-- What admind's REST and jobs need beyond the basics: one address by its name, giving an idempotency key back,
-- the end of expired secrets, and leases of background jobs.

-- Nothing if there is no such alias, group or catch-all ("@example.test").
CREATE FUNCTION directory.address_get_v1(p_local text, p_domain text)
RETURNS TABLE (id bigint, address text, kind text, enabled boolean, send_as boolean, display_name text,
               targets text, created_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT a.id, a.local_part || '@' || d.name, a.kind, a.enabled, a.send_as, a.display_name,
         directory.targets_text(a.id), directory.us(a.created_at)
    FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE d.name = p_domain AND a.local_part = lower(p_local) AND a.kind <> 'account'
$$;

-- The request came to nothing (a temporary failure): the key may be used again.
CREATE FUNCTION admin.idempotency_abandon_v1(p_actor text, p_key text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  DELETE FROM admin.idempotency WHERE actor = p_actor AND key = p_key AND status IS NULL
$$;

-- Expired keys and app passwords open nothing; their rows stay p_keep_days for whoever wonders, then go.
CREATE FUNCTION admin.secrets_trim_v1(p_keep_days integer, p_limit integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
DECLARE v_keys bigint; v_apps bigint;
BEGIN
  DELETE FROM admin.api_key WHERE id IN (
    SELECT id FROM admin.api_key WHERE expires_at < now() - make_interval(days => p_keep_days) LIMIT p_limit);
  GET DIAGNOSTICS v_keys = ROW_COUNT;
  DELETE FROM directory.app_password WHERE id IN (
    SELECT id FROM directory.app_password WHERE expires_at < now() - make_interval(days => p_keep_days) LIMIT p_limit);
  GET DIAGNOSTICS v_apps = ROW_COUNT;
  RETURN v_keys + v_apps;
END $$;

-- A job of the whole installation: whoever holds the lease runs it, others wait for its end or the lease's.
CREATE TABLE admin.job (
  name        text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z_]+(\.[a-z_]+)*$'),
  holder      uuid,
  lease_until timestamptz,
  due_at      timestamptz NOT NULL DEFAULT now(),
  started_at  timestamptz,
  ended_at    timestamptz,
  failures    integer NOT NULL DEFAULT 0,  -- in a row
  report      jsonb NOT NULL DEFAULT '{}'
);

-- True: p_holder runs it now.
CREATE FUNCTION admin.job_claim_v1(p_name text, p_holder uuid, p_lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  INSERT INTO admin.job (name) VALUES (p_name) ON CONFLICT DO NOTHING;
  UPDATE admin.job SET holder = p_holder, lease_until = now() + make_interval(secs => p_lease_seconds), started_at = now()
   WHERE name = p_name AND due_at <= now() AND (holder IS NULL OR lease_until < now());
  RETURN FOUND;
END $$;

-- False: the lease was lost. The next run is due p_seconds from now.
CREATE FUNCTION admin.job_done_v1(p_name text, p_holder uuid, p_seconds integer, p_failed boolean, p_report text)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH u AS (
    UPDATE admin.job SET holder = NULL, lease_until = NULL, due_at = now() + make_interval(secs => p_seconds),
           ended_at = now(), failures = CASE WHEN p_failed THEN failures + 1 ELSE 0 END, report = p_report::jsonb
     WHERE name = p_name AND holder = p_holder RETURNING 1)
  SELECT EXISTS (SELECT FROM u)
$$;

CREATE FUNCTION admin.job_list_v1()
RETURNS TABLE (name text, running boolean, due_us bigint, started_us bigint, ended_us bigint, failures integer, report text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT name, holder IS NOT NULL AND lease_until > now(), directory.us(due_at), directory.us(started_at),
         directory.us(ended_at), failures, report::text FROM admin.job ORDER BY name LIMIT 1000
$$;

-- Makes a job due now.
CREATE FUNCTION admin.job_run_v1(p_name text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH u AS (UPDATE admin.job SET due_at = now() WHERE name = p_name RETURNING 1) SELECT EXISTS (SELECT FROM u)
$$;

REVOKE ALL ON admin.job FROM PUBLIC;
REVOKE ALL ON FUNCTION directory.address_get_v1(text, text), admin.idempotency_abandon_v1(text, text),
  admin.secrets_trim_v1(integer, integer), admin.job_claim_v1(text, uuid, integer),
  admin.job_done_v1(text, uuid, integer, boolean, text), admin.job_list_v1(), admin.job_run_v1(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION directory.address_get_v1(text, text), admin.idempotency_abandon_v1(text, text),
  admin.secrets_trim_v1(integer, integer), admin.job_claim_v1(text, uuid, integer),
  admin.job_done_v1(text, uuid, integer, boolean, text), admin.job_list_v1(), admin.job_run_v1(text)
  TO dromos_admind;
