-- One job runner: leases are those of 0070. A run's report holds its counts by kind, too.
SET LOCAL ROLE dromos_owner;

DROP FUNCTION admin.job_claim_v1(text, uuid, integer);
DROP FUNCTION admin.job_done_v1(text, uuid, integer, boolean, text);
-- Named anew as admind.*, which its role may lease.
DELETE FROM admin.job WHERE name IN ('store.collect', 'account.purge', 'secrets.trim', 'idempotency.trim');

-- As job_finish_v1; p_counts: a JSON object of numbers.
CREATE FUNCTION admin.job_finish_v2(p_name text, p_token uuid, p_error text, p_items bigint, p_counts text, p_where text,
                                    p_next_ms bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
BEGIN
  PERFORM job_own(p_name);
  UPDATE job j SET holder = NULL, lease_until = NULL, ended_at = clock_timestamp(), runs = j.runs + 1,
    failures = CASE WHEN p_error = '' THEN 0 ELSE j.failures + 1 END,
    report = p_counts::jsonb
      || jsonb_build_object('items', p_items, 'error', left(p_error, 1000), 'where', left(p_where, 200)),
    due_at = clock_timestamp() + p_next_ms * interval '1 ms'
  WHERE j.name = p_name AND j.holder = p_token;
  RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION admin.job_finish_v2(text, uuid, text, bigint, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admin.job_finish_v2(text, uuid, text, bigint, text, text, bigint)
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
