-- Retention and the check go by mail.expunged's new key; rules that are constraints again are not verified twice.
SET LOCAL ROLE dromos_owner;

-- Ends the retention of at most p_limit expunged entries older than p_before; returns how many entries went.
CREATE OR REPLACE FUNCTION mail.purge_expunged_v1(p_account bigint, p_before timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_ids uuid[];
BEGIN
  PERFORM lock_account(p_account);
  WITH gone AS (
    DELETE FROM expunged x WHERE x.account_id = p_account AND (x.at, x.mailbox_id, x.uid) IN (
      SELECT o.at, o.mailbox_id, o.uid FROM expunged o WHERE o.account_id = p_account AND o.at < p_before ORDER BY o.at LIMIT p_limit)
    RETURNING x.message_id)
  SELECT array_agg(g.message_id) INTO v_ids FROM gone g;
  PERFORM drop_messages(p_account, v_ids);
  UPDATE account_state a SET expunged_since = (SELECT min(x.at) FROM expunged x WHERE x.account_id = p_account)
  WHERE a.account_id = p_account;
  RETURN coalesce(cardinality(v_ids), 0);
END
$$;

-- Removes at most p_limit rows of each kind of an account that directory has given up; true when nothing is left.
CREATE OR REPLACE FUNCTION mail.account_purge_v1(p_account bigint, p_limit integer) RETURNS boolean LANGUAGE plpgsql VOLATILE
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
  DELETE FROM expunged e WHERE e.account_id = p_account AND (e.at, e.mailbox_id, e.uid) IN
    (SELECT i.at, i.mailbox_id, i.uid FROM expunged i WHERE i.account_id = p_account LIMIT p_limit);
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

-- What an account's mailboxes should count.
CREATE OR REPLACE FUNCTION mail.counted(p_account bigint)
RETURNS TABLE (mailbox_id bigint, all_count bigint, all_seen bigint, all_bytes bigint, live_count bigint, live_seen bigint,
               live_bytes bigint, top_uid bigint, top_modseq bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT m.mailbox_id, count(e.uid), count(e.uid) FILTER (WHERE e.flags & 1 = 1), coalesce(sum(e.size), 0)::bigint,
         count(e.uid) FILTER (WHERE e.flags & 8 = 0), count(e.uid) FILTER (WHERE e.flags & 9 = 1),
         coalesce(sum(e.size) FILTER (WHERE e.flags & 8 = 0), 0)::bigint,
         greatest(coalesce(max(e.uid), 0), coalesce(min(x.top), 0)), coalesce(max(e.modseq), 0)
  FROM mailbox m LEFT JOIN entry e ON e.account_id = p_account AND e.mailbox_id = m.mailbox_id
  LEFT JOIN (SELECT o.mailbox_id, max(o.uid) AS top FROM expunged o WHERE o.account_id = p_account GROUP BY 1) x ON x.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account GROUP BY m.mailbox_id
$$;

-- Every rule that no constraint holds, one row a breach. Empty: clean. Takes the account's lock, so that it sees one state.
CREATE OR REPLACE FUNCTION mail.check_account_v1(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
BEGIN
  v_state := lock_account(p_account);
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

-- Mends what check_account_v1 finds and loses no mail: counters, references and bounds are counted anew, messages without
-- an entry come back into INBOX. Entries without message or mailbox, and messages without blob, are left and reported.
CREATE OR REPLACE FUNCTION mail.repair_account_v1(p_account bigint) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_state account_state;
  v_modseq bigint;
  v_inbox mailbox;
  v_lost uuid[];
  v_before integer;
BEGIN
  v_state := lock_account(p_account);
  SELECT count(*) INTO v_before FROM check_account_v1(p_account);
  IF v_before = 0 THEN
    RETURN 0;
  END IF;
  SELECT greatest(v_state.modseq, max(s.top)) INTO v_modseq FROM (
    SELECT max(m.highestmodseq) AS top FROM mailbox m WHERE m.account_id = p_account
    UNION ALL SELECT max(e.modseq) FROM entry e WHERE e.account_id = p_account
    UNION ALL SELECT max(c.modseq) FROM changelog c WHERE c.account_id = p_account) s;
  UPDATE account_state SET modseq = v_modseq,
    uidvalidity_next = greatest(uidvalidity_next, (SELECT max(m.uidvalidity) + 1 FROM mailbox m WHERE m.account_id = p_account))
  WHERE account_id = p_account;
  v_modseq := next_modseq(p_account, true);
  IF NOT EXISTS (SELECT FROM mailbox m WHERE m.account_id = p_account AND m.special_use = 'inbox') THEN
    PERFORM mailbox_insert(p_account, NULL, 'INBOX', 'inbox', true, 0, v_modseq);
  END IF;
  UPDATE mailbox m SET uidnext = greatest(m.uidnext, c.top_uid + 1), highestmodseq = v_modseq
  FROM counted(p_account) c WHERE m.account_id = p_account AND m.mailbox_id = c.mailbox_id;
  SELECT * INTO v_inbox FROM mailbox m WHERE m.account_id = p_account AND m.special_use = 'inbox';
  SELECT array_agg(m.message_id ORDER BY m.message_id) INTO v_lost FROM message m
  WHERE m.account_id = p_account AND NOT EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = m.message_id)
    AND NOT EXISTS (SELECT FROM expunged x WHERE x.account_id = p_account AND x.message_id = m.message_id);
  IF v_lost IS NOT NULL THEN
    INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size)
    SELECT p_account, v_inbox.mailbox_id, v_inbox.uidnext - 1 + s.no, v_modseq, m.message_id, m.thread_id, m.received_at, m.size
    FROM unnest(v_lost) WITH ORDINALITY AS s (id, no) JOIN message m ON m.account_id = p_account AND m.message_id = s.id;
    INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
    VALUES (p_account, v_modseq, v_inbox.mailbox_id, 1,
            int8multirange(int8range(v_inbox.uidnext, v_inbox.uidnext + cardinality(v_lost))), v_lost);
    UPDATE mailbox SET uidnext = uidnext + cardinality(v_lost) WHERE account_id = p_account AND mailbox_id = v_inbox.mailbox_id;
  END IF;
  UPDATE mailbox m SET all_count = c.all_count, all_seen = c.all_seen, all_bytes = c.all_bytes, live_count = c.live_count,
    live_seen = c.live_seen, live_bytes = c.live_bytes
  FROM counted(p_account) c WHERE m.account_id = p_account AND m.mailbox_id = c.mailbox_id;
  UPDATE blob b SET refs = s.count, idle_since = CASE WHEN s.count = 0 THEN now() END
  FROM (SELECT o.hash, coalesce(c.count, 0) AS count FROM blob o
        LEFT JOIN (SELECT m.blob_hash, count(*) AS count FROM message m WHERE m.account_id = p_account GROUP BY 1) c ON c.blob_hash = o.hash
        WHERE o.account_id = p_account) s
  WHERE b.account_id = p_account AND b.hash = s.hash AND (b.refs <> s.count OR (s.count = 0) <> (b.idle_since IS NOT NULL));
  DELETE FROM text_extract t WHERE t.account_id = p_account
    AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = t.message_id);
  DELETE FROM blob_chunk c WHERE c.account_id = p_account
    AND NOT EXISTS (SELECT FROM blob b WHERE b.account_id = p_account AND b.hash = c.hash);
  -- Clients that rely on the changelog must look at everything again.
  UPDATE account_state a SET (used_bytes, used_messages) = (
      SELECT coalesce(sum(m.size), 0), count(*) FROM message m WHERE m.account_id = p_account
        AND EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = m.message_id)),
    expunged_since = (SELECT min(x.at) FROM expunged x WHERE x.account_id = p_account), changelog_floor = v_modseq
  WHERE a.account_id = p_account;
  RETURN v_before;
END
$$;
