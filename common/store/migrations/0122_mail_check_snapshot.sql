-- The check of an account reads one snapshot and takes no lock: each write keeps the rules within its transaction. Under the
-- account's lock its mail waited for as long as it read, 7 s of a million messages. Lessons go with their message.
SET LOCAL ROLE dromos_owner;

-- Every rule of an account's mail that no constraint holds, one row a breach. STABLE: all of it is read in the snapshot of the
-- statement that calls it. Most of the account is read, whatever the planner believes of tables that have grown since they were analyzed:
-- no nested loops.
CREATE FUNCTION mail.check_mail(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET work_mem = '32MB' AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
BEGIN
  SELECT a.* INTO v_state FROM account_state a WHERE a.account_id = p_account;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % has no mail', p_account USING ERRCODE = 'DRNOF';
  END IF;
  RETURN QUERY WITH tally AS MATERIALIZED (SELECT * FROM counted(p_account))
  SELECT 'counters', m.mailbox_id::bigint, format('stored %s, counted %s',
           (m.all_count, m.all_seen, m.all_bytes, m.live_count, m.live_seen, m.live_bytes)::text,
           (c.all_count, c.all_seen, c.all_bytes, c.live_count, c.live_seen, c.live_bytes)::text)
  FROM mailbox m JOIN tally c ON c.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account AND (m.all_count, m.all_seen, m.all_bytes, m.live_count, m.live_seen, m.live_bytes)
        IS DISTINCT FROM (c.all_count, c.all_seen, c.all_bytes, c.live_count, c.live_seen, c.live_bytes)
  UNION ALL
  SELECT 'uidnext', m.mailbox_id::bigint, format('uidnext %s, highest uid %s', m.uidnext, c.top_uid)
  FROM mailbox m JOIN tally c ON c.mailbox_id = m.mailbox_id WHERE m.account_id = p_account AND m.uidnext <= c.top_uid
  UNION ALL
  SELECT 'modseq', m.mailbox_id::bigint, format('account %s, mailbox %s, entries %s', v_state.modseq, m.highestmodseq, c.top_modseq)
  FROM mailbox m JOIN tally c ON c.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account AND (m.highestmodseq > v_state.modseq OR c.top_modseq > m.highestmodseq)
  UNION ALL
  SELECT 'uidvalidity', m.mailbox_id::bigint, format('mailbox %s, next %s', m.uidvalidity, v_state.uidvalidity_next)
  FROM mailbox m WHERE m.account_id = p_account AND m.uidvalidity >= v_state.uidvalidity_next
  UNION ALL
  SELECT 'inbox', NULL, 'no INBOX' WHERE NOT EXISTS (SELECT FROM mailbox m WHERE m.account_id = p_account AND m.special_use = 'inbox')
  UNION ALL
  SELECT 'mailbox cycle', m.mailbox_id::bigint, 'cannot be reached from the root' FROM mailbox m
  WHERE m.account_id = p_account AND m.mailbox_id NOT IN (
    WITH RECURSIVE tree AS (
      SELECT r.mailbox_id FROM mailbox r WHERE r.account_id = p_account AND r.parent_id IS NULL
      UNION SELECT k.mailbox_id FROM mailbox k JOIN tree ON k.parent_id = tree.mailbox_id WHERE k.account_id = p_account)
    SELECT tree.mailbox_id FROM tree)
  UNION ALL
  SELECT 'entry without mailbox', e.mailbox_id, format('uid %s', e.uid) FROM entry e
  WHERE e.account_id = p_account AND NOT EXISTS (SELECT FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = e.mailbox_id)
  UNION ALL
  SELECT 'entry without message', e.mailbox_id, format('uid %s message %s', e.uid, e.message_id) FROM entry e
  WHERE e.account_id = p_account AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = e.message_id)
  UNION ALL
  SELECT 'entry differs from message', e.mailbox_id, format('uid %s', e.uid)
  FROM entry e JOIN message m ON m.account_id = p_account AND m.message_id = e.message_id
  WHERE e.account_id = p_account AND (e.size, e.thread_id) IS DISTINCT FROM (m.size, m.thread_id)
  UNION ALL
  SELECT 'message without entry', NULL, m.message_id::text FROM message m
  WHERE m.account_id = p_account AND NOT EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = m.message_id)
    AND NOT EXISTS (SELECT FROM expunged x WHERE x.account_id = p_account AND x.message_id = m.message_id)
  UNION ALL
  SELECT 'expunged without message', x.mailbox_id, format('uid %s', x.uid) FROM expunged x
  WHERE x.account_id = p_account AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = x.message_id)
  UNION ALL
  SELECT 'expunged twice', x.mailbox_id, format('uid %s', x.uid) FROM expunged x
  WHERE x.account_id = p_account GROUP BY x.mailbox_id, x.uid HAVING count(*) > 1
  UNION ALL
  SELECT 'message without blob', NULL, m.message_id::text FROM message m
  WHERE m.account_id = p_account AND NOT EXISTS (SELECT FROM blob b WHERE b.account_id = p_account AND b.hash = m.blob_hash)
  UNION ALL
  SELECT 'blob references', NULL, format('%s: stored %s, counted %s', encode(b.hash, 'hex'), b.refs, coalesce(c.count, 0))
  FROM blob b LEFT JOIN (SELECT m.blob_hash, count(*) AS count FROM message m WHERE m.account_id = p_account GROUP BY 1) c ON c.blob_hash = b.hash
  WHERE b.account_id = p_account AND b.refs <> coalesce(c.count, 0)
  UNION ALL
  SELECT 'blob row', NULL, encode(b.hash, 'hex') FROM blob b
  WHERE b.account_id = p_account AND (b.header_size > b.size OR b.chunks < 1 OR (b.refs = 0) <> (b.idle_since IS NOT NULL)
    OR (b.location IS NULL) <> (b.header IS NOT NULL AND b.body IS NOT NULL))
  UNION ALL
  SELECT 'blob chunks', NULL, encode(b.hash, 'hex') FROM blob b
  LEFT JOIN (SELECT o.hash, count(*) AS count FROM blob_chunk o WHERE o.account_id = p_account GROUP BY 1) c ON c.hash = b.hash
  WHERE b.account_id = p_account AND b.location IS NULL AND greatest(b.chunks - 2, 0) <> coalesce(c.count, 0)
  UNION ALL
  SELECT 'chunk without blob', NULL, encode(c.hash, 'hex') FROM blob_chunk c
  WHERE c.account_id = p_account AND NOT EXISTS (SELECT FROM blob b WHERE b.account_id = p_account AND b.hash = c.hash)
  UNION ALL
  SELECT 'text without message', NULL, t.message_id::text FROM text_extract t
  WHERE t.account_id = p_account AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = t.message_id)
  UNION ALL
  SELECT 'usage', NULL, format('stored %s bytes in %s, counted %s in %s', v_state.used_bytes, v_state.used_messages, u.bytes, u.count)
  FROM (SELECT coalesce(sum(m.size), 0) AS bytes, count(*) AS count FROM message m WHERE m.account_id = p_account
          AND EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = m.message_id)) u
  WHERE u.bytes <> v_state.used_bytes OR u.count <> v_state.used_messages
  UNION ALL
  SELECT 'retention', NULL, format('expunged_since %s, oldest %s', v_state.expunged_since, x.at)
  FROM (SELECT min(o.at) AS at FROM expunged o WHERE o.account_id = p_account) x
  WHERE x.at IS NOT NULL AND (v_state.expunged_since IS NULL OR v_state.expunged_since > x.at)
  UNION ALL
  SELECT 'changelog', c.mailbox_id, format('modseq %s beyond the account''s %s', c.modseq, v_state.modseq) FROM changelog c
  WHERE c.account_id = p_account AND c.modseq > v_state.modseq
  UNION ALL
  -- An entry's last change is in the changelog unless the floor has passed it.
  SELECT 'change not logged', e.mailbox_id, format('uid %s modseq %s', e.uid, e.modseq) FROM entry e
  WHERE e.account_id = p_account AND e.modseq > v_state.changelog_floor AND NOT EXISTS (
    SELECT FROM changelog c WHERE c.account_id = p_account AND c.modseq = e.modseq AND c.mailbox_id = e.mailbox_id
      AND c.kind <= 2 AND c.uids @> e.uid::bigint);
END
$$;

-- Rules of mail and of sharing in one snapshot. It is younger than the lock on the changelog, or a week that is dropped between
-- the two would be gone from the one and missing below the floor of the other.
CREATE FUNCTION mail.check_account_v3(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  LOCK TABLE changelog IN ACCESS SHARE MODE;
  RETURN QUERY SELECT * FROM check_mail(p_account) UNION ALL SELECT * FROM check_sharing(p_account);
END
$$;

-- For repair_account_v1, which holds the lock.
CREATE OR REPLACE FUNCTION mail.check_account_v1(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  LOCK TABLE changelog IN ACCESS SHARE MODE;
  RETURN QUERY SELECT * FROM check_mail(p_account);
END
$$;

CREATE OR REPLACE FUNCTION mail.check_account_v2(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT * FROM check_account_v3(p_account)
$$;

REVOKE ALL ON FUNCTION mail.check_mail(bigint), mail.check_account_v3(bigint) FROM PUBLIC;

-- Messages that are in no mailbox and in nobody's retention: rows go, and what was to be learned from them, blobs become
-- idle. The account's lock is held.
CREATE OR REPLACE FUNCTION mail.drop_messages(p_account bigint, p_ids uuid[]) RETURNS integer LANGUAGE plpgsql VOLATILE
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
  DELETE FROM lesson l WHERE l.account_id = p_account AND l.message_id = ANY (v_ids);
  UPDATE blob b SET refs = b.refs - s.count, idle_since = CASE WHEN b.refs = s.count THEN now() END
  FROM (SELECT h, count(*) AS count FROM unnest(v_hashes) h GROUP BY 1) s
  WHERE b.account_id = p_account AND b.hash = s.h;
  DELETE FROM thread_ref r WHERE r.account_id = p_account AND r.key = ANY (v_keys) AND r.thread_id = ANY (v_threads)
    AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.thread_id = r.thread_id);
  RETURN cardinality(v_ids);
END
$$;
DELETE FROM mail.lesson l WHERE NOT EXISTS (SELECT FROM mail.message m WHERE m.account_id = l.account_id AND m.message_id = l.message_id);
