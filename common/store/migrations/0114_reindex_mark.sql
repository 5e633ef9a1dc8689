-- A number that changes with each step of an account's reindex, so that every imapd learns that texts it holds may be old.
-- 0: never asked for.
SET LOCAL ROLE dromos_owner;

CREATE FUNCTION mail.reindex_mark_v1(p_account bigint) RETURNS bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT coalesce((SELECT hashtextextended(extract(epoch FROM r.asked_at)::text || ' ' || r.done, 0) FROM reindex r WHERE r.account_id = p_account AND r.done > 0), 0)
$$;
REVOKE ALL ON FUNCTION mail.reindex_mark_v1(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.reindex_mark_v1(bigint) TO dromos_imapd;
