-- Reindex: an account's text extracts and words made anew from the stored bytes, by imapd's indexer, on admind's word.
-- Progress is kept here, so that a run goes on where one ended, and can be watched.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.reindex (
  account_id bigint PRIMARY KEY REFERENCES mail.account_state ON DELETE CASCADE,
  after      uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',  -- messages up to this one are done
  done       bigint NOT NULL DEFAULT 0,
  failed     bigint NOT NULL DEFAULT 0,  -- of those: could not be read, and keep their old text
  total      bigint NOT NULL,            -- when it was asked for
  asked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at   timestamptz
);

-- Asks for one account, or for all (NULL); what is under way begins anew. The number of accounts.
CREATE FUNCTION mail.reindex_ask_v1(p_account bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_count bigint;
BEGIN
  INSERT INTO reindex (account_id, total)
  SELECT s.account_id, (SELECT count(*) FROM message m WHERE m.account_id = s.account_id)
  FROM account_state s WHERE p_account IS NULL OR s.account_id = p_account ORDER BY s.account_id
  ON CONFLICT (account_id) DO UPDATE SET after = DEFAULT, done = 0, failed = 0, total = excluded.total,
    asked_at = excluded.asked_at, ended_at = NULL;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  UPDATE admin.job SET due_at = clock_timestamp() WHERE name LIKE 'imapd.index\_%' AND v_count > 0;
  RETURN v_count;
END
$$;

-- Under way first, then the newest.
CREATE FUNCTION mail.reindex_list_v1(p_limit integer)
RETURNS TABLE (address text, done bigint, failed bigint, total bigint, asked_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT coalesce(a.local_part || '@' || d.name, r.account_id::text), r.done, r.failed, r.total, r.asked_at, r.ended_at
  FROM reindex r LEFT JOIN directory.address a ON a.account_id = r.account_id LEFT JOIN directory.domain d ON d.id = a.domain_id
  ORDER BY r.ended_at IS NOT NULL, r.asked_at DESC, r.account_id LIMIT p_limit
$$;

-- The next account of a shard, and messages of it.
CREATE FUNCTION mail.reindex_next_v1(p_shard integer, p_shards integer, p_limit integer)
RETURNS TABLE (account_id bigint, message_ids uuid[]) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT r.account_id, ARRAY(SELECT m.message_id FROM message m WHERE m.account_id = r.account_id AND m.message_id > r.after
                             ORDER BY m.message_id LIMIT p_limit)
  FROM reindex r WHERE r.ended_at IS NULL AND r.account_id % p_shards = p_shard ORDER BY r.asked_at, r.account_id LIMIT 1
$$;

-- Texts made anew (p_ids), of a step up to p_after that read p_seen messages. Their words go, and the index compares all
-- messages until it has them again: should the caller die now, nothing is forgotten.
CREATE FUNCTION mail.reindex_put_v1(p_account bigint, p_after uuid, p_seen bigint, p_ids uuid[], p_codec smallint, p_truncated boolean[],
                                    p_data bytea[]) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_live uuid[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT array_agg(l.message_id) INTO v_live FROM (
    SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids)
    ORDER BY m.message_id FOR KEY SHARE SKIP LOCKED) l;  -- what is being deleted needs no text
  INSERT INTO text_extract AS t (account_id, message_id, codec, truncated, data)
  SELECT p_account, d.id, p_codec, d.truncated, d.data FROM unnest(p_ids, p_truncated, p_data) AS d (id, truncated, data)
  WHERE d.id = ANY (v_live) ORDER BY d.id
  ON CONFLICT (account_id, message_id) DO UPDATE SET codec = excluded.codec, truncated = excluded.truncated, data = excluded.data,
    dict_id = 0, key_id = 0
    WHERE (t.codec, t.truncated, t.data) IS DISTINCT FROM (excluded.codec, excluded.truncated, excluded.data);
  UPDATE word_state s SET modseq = 0 WHERE s.account_id = p_account;
  DELETE FROM word_index w WHERE w.account_id = p_account AND w.message_id = ANY (v_live);
  UPDATE reindex r SET after = p_after, done = r.done + p_seen, failed = r.failed + p_seen - cardinality(p_ids)
  WHERE r.account_id = p_account AND r.ended_at IS NULL AND r.after < p_after;
END
$$;

CREATE FUNCTION mail.reindex_end_v1(p_account bigint) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  UPDATE reindex r SET ended_at = clock_timestamp() WHERE r.account_id = p_account AND r.ended_at IS NULL
$$;

REVOKE ALL ON mail.reindex FROM PUBLIC;
REVOKE ALL ON FUNCTION mail.reindex_ask_v1(bigint), mail.reindex_list_v1(integer), mail.reindex_next_v1(integer, integer, integer),
  mail.reindex_put_v1(bigint, uuid, bigint, uuid[], smallint, boolean[], bytea[]), mail.reindex_end_v1(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.reindex_ask_v1(bigint), mail.reindex_list_v1(integer) TO dromos_admind;
GRANT EXECUTE ON FUNCTION mail.reindex_next_v1(integer, integer, integer),
  mail.reindex_put_v1(bigint, uuid, bigint, uuid[], smallint, boolean[], bytea[]), mail.reindex_end_v1(bigint) TO dromos_imapd;
