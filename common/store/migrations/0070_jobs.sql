-- Leases of background jobs for common/jobs, on admin.job (0061): a lease can be renewed while a long run lasts, and
-- daemons other than admind have jobs too. A name is `<daemon>.<job>`; a role may lease only its own daemon's.
SET LOCAL ROLE dromos_owner;

ALTER TABLE admin.job DROP CONSTRAINT job_name_check;
ALTER TABLE admin.job ADD CONSTRAINT job_name_check CHECK (name ~ '^[a-z_]+(\.[a-z0-9_]+)*$' AND octet_length(name) <= 64);
ALTER TABLE admin.job ADD COLUMN runs bigint NOT NULL DEFAULT 0;

CREATE FUNCTION admin.job_own(p_name text) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  IF session_user <> 'dromos_' || split_part(p_name, '.', 1) AND NOT pg_has_role(session_user, 'dromos_owner', 'MEMBER') THEN
    RAISE EXCEPTION 'job % is not one of %', p_name, session_user USING ERRCODE = '42501';
  END IF;
END
$$;

-- Takes the lease if the job is free and due (p_now: due or not). wait_ms: when to ask again.
CREATE FUNCTION admin.job_lease_v1(p_name text, p_token uuid, p_lease_ms bigint, p_now boolean)
RETURNS TABLE (leased boolean, wait_ms bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
DECLARE
  v_job job;
  v_now timestamptz;
BEGIN
  PERFORM job_own(p_name);
  INSERT INTO job (name) VALUES (p_name) ON CONFLICT DO NOTHING;
  SELECT * INTO STRICT v_job FROM job j WHERE j.name = p_name FOR UPDATE;
  v_now := clock_timestamp();  -- after the wait for the row
  leased := (v_job.holder IS NULL OR v_job.lease_until <= v_now) AND (p_now OR v_job.due_at <= v_now);
  wait_ms := 0;
  IF leased THEN
    UPDATE job j SET holder = p_token, lease_until = v_now + p_lease_ms * interval '1 ms', started_at = v_now
    WHERE j.name = p_name;
  ELSE
    wait_ms := greatest(0, ceil(extract(epoch FROM greatest(v_job.due_at, v_job.lease_until) - v_now) * 1000));
  END IF;
  RETURN NEXT;
END
$$;

CREATE FUNCTION admin.job_renew_v1(p_name text, p_token uuid, p_lease_ms bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  PERFORM job_own(p_name);
  UPDATE job j SET lease_until = clock_timestamp() + p_lease_ms * interval '1 ms' WHERE j.name = p_name AND j.holder = p_token;
  RETURN FOUND;
END
$$;

-- Only the lease's holder ends a run; p_error '': it went well. False: the lease was lost meanwhile.
CREATE FUNCTION admin.job_finish_v1(p_name text, p_token uuid, p_error text, p_items bigint, p_where text, p_next_ms bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  PERFORM job_own(p_name);
  UPDATE job j SET holder = NULL, lease_until = NULL, ended_at = clock_timestamp(), runs = j.runs + 1,
    failures = CASE WHEN p_error = '' THEN 0 ELSE j.failures + 1 END,
    report = jsonb_build_object('items', p_items, 'error', left(p_error, 1000), 'where', left(p_where, 200)),
    due_at = clock_timestamp() + p_next_ms * interval '1 ms'
  WHERE j.name = p_name AND j.holder = p_token;
  RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION admin.job_own(text), admin.job_lease_v1(text, uuid, bigint, boolean), admin.job_renew_v1(text, uuid, bigint),
  admin.job_finish_v1(text, uuid, text, bigint, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admin.job_lease_v1(text, uuid, bigint, boolean), admin.job_renew_v1(text, uuid, bigint),
  admin.job_finish_v1(text, uuid, text, bigint, text, bigint)
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
