-- Staging of large blobs, collection, retention, removal of accounts. All long work goes in slices.
SET LOCAL ROLE dromos_owner;

-- True if the account has the blob; an unreferenced one then stays at least the collector's 24 h from now.
CREATE FUNCTION mail.blob_touch_v1(p_account bigint, p_hash bytea) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_refs integer;
BEGIN
  UPDATE blob b SET idle_since = CASE WHEN b.refs = 0 THEN now() END
  WHERE b.account_id = p_account AND b.hash = p_hash RETURNING b.refs INTO v_refs;
  RETURN FOUND;
END
$$;

-- Chunks 2.. of a blob, sent before mail.blob_stage_v1 in the same transaction. No account lock is held meanwhile.
CREATE FUNCTION mail.blob_chunk_v1(p_account bigint, p_hash bytea, p_no integer, p_codec integer, p_data bytea) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  INSERT INTO blob_chunk (account_id, hash, chunk_no, codec, data) VALUES (p_account, p_hash, p_no, p_codec, p_data)
  ON CONFLICT DO NOTHING
$$;

-- The blob's own row, unreferenced. p_location '': the bytes are here. Call mail.blob_touch_v1 first, in a transaction
-- of its own: it keeps the collector away from a blob that is there already. False: somebody else's row names other
-- bytes' place (an external file); ours is not needed.
CREATE FUNCTION mail.blob_stage_v1(p_account bigint, p_hash bytea, p_size bigint, p_header_size bigint, p_chunks integer, p_codec integer,
                                   p_header bytea, p_body bytea, p_location text) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_new boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM account_state a WHERE a.account_id = p_account) THEN
    RAISE EXCEPTION 'account % has no mail', p_account USING ERRCODE = 'DRNOF';
  END IF;
  INSERT INTO blob AS b (account_id, hash, size, header_size, refs, chunks, codec, idle_since, location, header, body)
  VALUES (p_account, p_hash, p_size, p_header_size, 0, p_chunks, p_codec, now(), nullif(p_location, ''),
          CASE WHEN p_location = '' THEN p_header END, CASE WHEN p_location = '' THEN p_body END)
  ON CONFLICT (account_id, hash) DO UPDATE SET idle_since = CASE WHEN b.refs = 0 THEN now() END
  RETURNING b.location IS NOT DISTINCT FROM nullif(p_location, '') INTO v_new;
  RETURN v_new;
END
$$;

-- The same bytes for further accounts. Only out of what was just staged: bytes that a message holds are never handed
-- to another account by their hash. Returns the accounts that have it now.
CREATE FUNCTION mail.blob_stage_copy_v1(p_from bigint, p_hash bytea, p_to bigint[]) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_source blob;
  v_done bigint[];
BEGIN
  SELECT * INTO v_source FROM blob b WHERE b.account_id = p_from AND b.hash = p_hash AND b.refs = 0
    AND b.idle_since > now() - interval '1 hour' AND b.location IS NULL;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  INSERT INTO blob_chunk (account_id, hash, chunk_no, codec, dict_id, key_id, data)
  SELECT a.account_id, c.hash, c.chunk_no, c.codec, c.dict_id, c.key_id, c.data
  FROM blob_chunk c, account_state a
  WHERE c.account_id = p_from AND c.hash = p_hash AND a.account_id = ANY (p_to) ORDER BY 1, 3
  ON CONFLICT DO NOTHING;
  WITH put AS (
    INSERT INTO blob AS b (account_id, hash, size, header_size, refs, chunks, codec, dict_id, key_id, idle_since, header, body)
    SELECT a.account_id, v_source.hash, v_source.size, v_source.header_size, 0, v_source.chunks, v_source.codec, v_source.dict_id,
           v_source.key_id, now(), v_source.header, v_source.body
    FROM account_state a WHERE a.account_id = ANY (p_to) ORDER BY 1
    ON CONFLICT (account_id, hash) DO UPDATE SET idle_since = CASE WHEN b.refs = 0 THEN now() END
    RETURNING b.account_id)
  SELECT coalesce(array_agg(p.account_id), '{}') INTO v_done FROM put p;
  RETURN v_done;
END
$$;

-- Accounts with something to collect or to purge (cross-account: docs/formats/cross-account.md).
CREATE FUNCTION mail.collect_candidates_v1(p_idle_before timestamptz, p_expunged_before timestamptz, p_limit integer) RETURNS SETOF bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT account_id FROM (
    (SELECT account_id FROM account_state WHERE expunged_since < p_expunged_before LIMIT p_limit)
    UNION
    (SELECT DISTINCT account_id FROM blob WHERE refs = 0 AND idle_since < p_idle_before LIMIT p_limit)) s LIMIT p_limit
$$;

-- Deletes at most p_limit blobs unreferenced since before p_before; returns how many. Files leave a tombstone.
CREATE FUNCTION mail.collect_blobs_v1(p_account bigint, p_before timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_hashes bytea[];
BEGIN
  PERFORM lock_account(p_account);
  WITH gone AS (
    DELETE FROM blob b WHERE b.account_id = p_account AND b.hash IN (
      SELECT i.hash FROM blob i WHERE i.account_id = p_account AND i.refs = 0 AND i.idle_since < p_before LIMIT p_limit)
      AND b.refs = 0 AND b.idle_since < p_before
    RETURNING b.hash, b.location
  ), dead AS (
    INSERT INTO blob_tombstone (location) SELECT g.location FROM gone g WHERE g.location IS NOT NULL ON CONFLICT DO NOTHING
  )
  SELECT array_agg(g.hash) INTO v_hashes FROM gone g;
  DELETE FROM blob_chunk c WHERE c.account_id = p_account AND c.hash = ANY (v_hashes);
  RETURN coalesce(cardinality(v_hashes), 0);
END
$$;

-- Messages that are in no mailbox and in nobody's retention: rows go, blobs become idle. The account's lock is held.
CREATE FUNCTION mail.drop_messages(p_account bigint, p_ids uuid[]) RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_hashes bytea[];
  v_threads uuid[];
  v_keys bigint[];
  v_ids uuid[];
BEGIN
  WITH gone AS (
    DELETE FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids)
      AND NOT EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = m.message_id)
      AND NOT EXISTS (SELECT FROM expunged x WHERE x.account_id = p_account AND x.message_id = m.message_id)
    RETURNING m.message_id, m.blob_hash, m.thread_id, m.thread_keys
  )
  SELECT array_agg(g.message_id), array_agg(g.blob_hash), array_agg(DISTINCT g.thread_id),
         (SELECT array_agg(DISTINCT k) FROM gone n, unnest(n.thread_keys) k)
  INTO v_ids, v_hashes, v_threads, v_keys FROM gone g;
  IF v_ids IS NULL THEN
    RETURN 0;
  END IF;
  DELETE FROM text_extract t WHERE t.account_id = p_account AND t.message_id = ANY (v_ids);
  UPDATE blob b SET refs = b.refs - s.count, idle_since = CASE WHEN b.refs = s.count THEN now() END
  FROM (SELECT h, count(*) AS count FROM unnest(v_hashes) h GROUP BY 1) s
  WHERE b.account_id = p_account AND b.hash = s.h;
  DELETE FROM thread_ref r WHERE r.account_id = p_account AND r.key = ANY (v_keys) AND r.thread_id = ANY (v_threads)
    AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.thread_id = r.thread_id);
  RETURN cardinality(v_ids);
END
$$;

-- Ends the retention of at most p_limit expunged entries older than p_before; returns how many entries went.
CREATE FUNCTION mail.purge_expunged_v1(p_account bigint, p_before timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_ids uuid[];
BEGIN
  PERFORM lock_account(p_account);
  WITH gone AS (
    DELETE FROM expunged x WHERE x.account_id = p_account AND (x.mailbox_id, x.uid) IN (
      SELECT o.mailbox_id, o.uid FROM expunged o WHERE o.account_id = p_account AND o.at < p_before ORDER BY o.at LIMIT p_limit)
    RETURNING x.message_id)
  SELECT array_agg(g.message_id) INTO v_ids FROM gone g;
  PERFORM drop_messages(p_account, v_ids);
  UPDATE account_state a SET expunged_since = (SELECT min(x.at) FROM expunged x WHERE x.account_id = p_account)
  WHERE a.account_id = p_account;
  RETURN coalesce(cardinality(v_ids), 0);
END
$$;

-- Removes at most p_limit rows of each kind of an account that directory has given up; true when nothing is left.
CREATE FUNCTION mail.account_purge_v1(p_account bigint, p_limit integer) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_gone bigint;
  v_hashes bytea[];
BEGIN
  PERFORM FROM account_state a WHERE a.account_id = p_account FOR UPDATE;
  IF NOT FOUND THEN
    RETURN true;
  END IF;
  DELETE FROM entry e WHERE e.account_id = p_account AND (e.mailbox_id, e.uid) IN
    (SELECT i.mailbox_id, i.uid FROM entry i WHERE i.account_id = p_account LIMIT p_limit);
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  IF v_gone > 0 THEN RETURN false; END IF;
  DELETE FROM expunged e WHERE e.account_id = p_account AND (e.mailbox_id, e.uid) IN
    (SELECT i.mailbox_id, i.uid FROM expunged i WHERE i.account_id = p_account LIMIT p_limit);
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  IF v_gone > 0 THEN RETURN false; END IF;
  DELETE FROM text_extract t WHERE t.account_id = p_account AND t.message_id IN
    (SELECT i.message_id FROM text_extract i WHERE i.account_id = p_account LIMIT p_limit);
  DELETE FROM message m WHERE m.account_id = p_account AND m.message_id IN
    (SELECT i.message_id FROM message i WHERE i.account_id = p_account LIMIT p_limit);
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  IF v_gone > 0 THEN RETURN false; END IF;
  WITH gone AS (
    DELETE FROM blob b WHERE b.account_id = p_account AND b.hash IN
      (SELECT i.hash FROM blob i WHERE i.account_id = p_account LIMIT p_limit) RETURNING b.hash, b.location
  ), dead AS (
    INSERT INTO blob_tombstone (location) SELECT g.location FROM gone g WHERE g.location IS NOT NULL ON CONFLICT DO NOTHING
  )
  SELECT array_agg(g.hash) INTO v_hashes FROM gone g;
  IF v_hashes IS NOT NULL THEN
    DELETE FROM blob_chunk c WHERE c.account_id = p_account AND c.hash = ANY (v_hashes);
    RETURN false;
  END IF;
  DELETE FROM text_extract t WHERE t.account_id = p_account;
  DELETE FROM thread_ref r WHERE r.account_id = p_account;
  DELETE FROM changelog c WHERE c.account_id = p_account;
  SET CONSTRAINTS ALL IMMEDIATE;
  DELETE FROM mailbox m WHERE m.account_id = p_account;  -- one statement: parents and children at once
  DELETE FROM account_state a WHERE a.account_id = p_account;
  RETURN true;
END
$$;

CREATE FUNCTION mail.tombstones_v1(p_before timestamptz, p_limit integer) RETURNS SETOF text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT location FROM blob_tombstone WHERE at < p_before LIMIT p_limit
$$;
CREATE FUNCTION mail.tombstones_done_v1(p_locations text[]) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  DELETE FROM blob_tombstone WHERE location = ANY (p_locations)
$$;
