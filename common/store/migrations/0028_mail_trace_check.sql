-- Traces, the check of an account and its repair, the lock watchdog, and what follows a restore.
SET LOCAL ROLE dromos_owner;

CREATE FUNCTION mail.trace_put_v1(p_trace uuid[], p_daemon text[], p_event text[], p_sender text[], p_recipient text[],
                                  p_account bigint[], p_code integer[], p_detail text[]) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  INSERT INTO trace (trace_id, daemon, event, sender, recipient, account_id, code, detail)
  SELECT x.trace, x.daemon, x.event, x.sender, x.recipient, nullif(x.account, 0), x.code, x.detail::jsonb
  FROM unnest(p_trace, p_daemon, p_event, p_sender, p_recipient, p_account, p_code, p_detail)
         AS x (trace, daemon, event, sender, recipient, account, code, detail)
$$;

CREATE FUNCTION mail.trace_get_v1(p_trace uuid)
RETURNS TABLE (trace_id uuid, at timestamptz, daemon text, event text, sender text, recipient text, account_id bigint, code integer, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT t.trace_id, t.at, t.daemon, t.event, t.sender, t.recipient, t.account_id, t.code, t.detail::text
  FROM trace t WHERE t.trace_id = p_trace ORDER BY t.at
$$;

-- Newest first; '' matches all. Reads the daily partitions of the given time.
CREATE FUNCTION mail.trace_find_v1(p_sender text, p_recipient text, p_event text, p_from timestamptz, p_to timestamptz, p_limit integer)
RETURNS TABLE (trace_id uuid, at timestamptz, daemon text, event text, sender text, recipient text, account_id bigint, code integer, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT t.trace_id, t.at, t.daemon, t.event, t.sender, t.recipient, t.account_id, t.code, t.detail::text
  FROM trace t WHERE t.at >= p_from AND t.at < p_to AND (p_sender = '' OR t.sender = p_sender)
    AND (p_recipient = '' OR t.recipient = p_recipient) AND (p_event = '' OR t.event = p_event)
  ORDER BY t.at DESC LIMIT p_limit
$$;

-- What an account's mailboxes should count.
CREATE FUNCTION mail.counted(p_account bigint)
RETURNS TABLE (mailbox_id bigint, all_count bigint, all_seen bigint, all_bytes bigint, live_count bigint, live_seen bigint,
               live_bytes bigint, top_uid bigint, top_modseq bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT m.mailbox_id, count(e.uid), count(e.uid) FILTER (WHERE e.flags & 1 = 1), coalesce(sum(e.size), 0)::bigint,
         count(e.uid) FILTER (WHERE e.flags & 8 = 0), count(e.uid) FILTER (WHERE e.flags & 9 = 1),
         coalesce(sum(e.size) FILTER (WHERE e.flags & 8 = 0), 0)::bigint,
         greatest(coalesce(max(e.uid), 0), (SELECT coalesce(max(x.uid), 0) FROM expunged x WHERE x.account_id = p_account AND x.mailbox_id = m.mailbox_id)),
         coalesce(max(e.modseq), 0)
  FROM mailbox m LEFT JOIN entry e ON e.account_id = p_account AND e.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account GROUP BY m.mailbox_id
$$;

-- Every rule that no constraint holds, one row a breach. Empty: clean. Takes the account's lock, so that it sees one state.
CREATE FUNCTION mail.check_account_v1(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
BEGIN
  v_state := lock_account(p_account);
  RETURN QUERY
  SELECT 'counters', m.mailbox_id::bigint, format('stored %s, counted %s',
           (m.all_count, m.all_seen, m.all_bytes, m.live_count, m.live_seen, m.live_bytes)::text,
           (c.all_count, c.all_seen, c.all_bytes, c.live_count, c.live_seen, c.live_bytes)::text)
  FROM mailbox m JOIN counted(p_account) c ON c.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account AND (m.all_count, m.all_seen, m.all_bytes, m.live_count, m.live_seen, m.live_bytes)
        IS DISTINCT FROM (c.all_count, c.all_seen, c.all_bytes, c.live_count, c.live_seen, c.live_bytes)
  UNION ALL
  SELECT 'uidnext', m.mailbox_id::bigint, format('uidnext %s, highest uid %s', m.uidnext, c.top_uid)
  FROM mailbox m JOIN counted(p_account) c ON c.mailbox_id = m.mailbox_id WHERE m.account_id = p_account AND m.uidnext <= c.top_uid
  UNION ALL
  SELECT 'modseq', m.mailbox_id::bigint, format('account %s, mailbox %s, entries %s', v_state.modseq, m.highestmodseq, c.top_modseq)
  FROM mailbox m JOIN counted(p_account) c ON c.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account AND (m.highestmodseq > v_state.modseq OR c.top_modseq > m.highestmodseq)
  UNION ALL
  SELECT 'mailbox modseqs', m.mailbox_id::bigint, format('created %s, changed %s, highest %s', m.created_modseq, m.modseq, m.highestmodseq)
  FROM mailbox m WHERE m.account_id = p_account AND NOT (m.created_modseq <= m.modseq AND m.modseq <= m.highestmodseq)
  UNION ALL
  SELECT 'account modseqs', NULL, format('modseq %s, email %s, mailbox %s, thread %s, floor %s', v_state.modseq, v_state.email_modseq,
                                         v_state.mailbox_modseq, v_state.thread_modseq, v_state.changelog_floor)
  WHERE greatest(v_state.email_modseq, v_state.mailbox_modseq, v_state.thread_modseq, v_state.changelog_floor) > v_state.modseq
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
  WHERE b.account_id = p_account AND b.location IS NULL
    AND greatest(b.chunks - 2, 0) <> (SELECT count(*) FROM blob_chunk c WHERE c.account_id = p_account AND c.hash = b.hash)
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
  SELECT 'changelog row', c.mailbox_id, format('modseq %s kind %s', c.modseq, c.kind) FROM changelog c
  WHERE c.account_id = p_account AND (c.kind <= 3) <> (c.uids IS NOT NULL AND c.message_ids IS NOT NULL)
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
CREATE FUNCTION mail.repair_account_v1(p_account bigint) RETURNS integer LANGUAGE plpgsql VOLATILE
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
  FROM (SELECT o.hash, (SELECT count(*) FROM message m WHERE m.account_id = p_account AND m.blob_hash = o.hash) AS count
        FROM blob o WHERE o.account_id = p_account) s
  WHERE b.account_id = p_account AND b.hash = s.hash AND b.refs <> s.count;
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

-- What lies across accounts (docs/formats/cross-account.md).
CREATE FUNCTION mail.check_global_v1() RETURNS TABLE (problem text, detail text) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT 'queue message without recipients', m.queue_id::text FROM queue.message m
  WHERE NOT EXISTS (SELECT FROM queue.recipient r WHERE r.queue_id = m.queue_id)
  UNION ALL
  SELECT 'queue body incomplete', b.body_id::text FROM queue.body b
  WHERE b.chunks <> (SELECT count(*) FROM queue.body_chunk c WHERE c.body_id = b.body_id)
  UNION ALL
  SELECT 'rows outside the partitions by time', s.name FROM (
    SELECT 'mail.changelog' AS name WHERE EXISTS (SELECT FROM changelog_default)
    UNION ALL SELECT 'mail.delivery' WHERE EXISTS (SELECT FROM delivery_default)
    UNION ALL SELECT 'mail.trace' WHERE EXISTS (SELECT FROM trace_default)) s
$$;

CREATE FUNCTION mail.accounts_v1(p_after bigint, p_limit integer) RETURNS SETOF bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT account_id FROM account_state WHERE account_id > p_after ORDER BY account_id LIMIT p_limit
$$;

-- Ends sessions of daemons that have written something, and for p_seconds have waited for their client in the middle of
-- a transaction: they may hold an account's lock. No timeout of PostgreSQL covers a pipeline whose Sync does not come.
CREATE FUNCTION mail.watchdog_v1(p_seconds integer) RETURNS integer LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*) FILTER (WHERE pg_terminate_backend(s.pid))::integer FROM pg_stat_activity s
  WHERE s.datname = current_database() AND s.pid <> pg_backend_pid() AND s.usename LIKE 'dromos\_%'
    AND s.backend_xid IS NOT NULL AND s.wait_event = 'ClientRead' AND s.xact_start < clock_timestamp() - p_seconds * interval '1 s'
    AND s.state_change < clock_timestamp() - p_seconds * interval '1 s'
$$;

-- After a restore to an earlier time: every UIDVALIDITY and state that was given out is void. p_limit accounts after
-- p_after; returns the last one done, NULL at the end.
CREATE FUNCTION mail.restored_v1(p_after bigint, p_limit integer) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_account bigint;
  v_last bigint;
BEGIN
  FOR v_account IN SELECT a.account_id FROM account_state a WHERE a.account_id > p_after ORDER BY 1 LIMIT p_limit FOR NO KEY UPDATE LOOP
    UPDATE mailbox m SET uidvalidity = greatest(a.uidvalidity_next, extract(epoch FROM now())::bigint) + s.no
    FROM account_state a, (SELECT b.mailbox_id, row_number() OVER (ORDER BY b.mailbox_id) AS no FROM mailbox b WHERE b.account_id = v_account) s
    WHERE a.account_id = v_account AND m.account_id = v_account AND m.mailbox_id = s.mailbox_id;
    UPDATE account_state a SET state_epoch = state_epoch + 1, changelog_floor = modseq,
      uidvalidity_next = (SELECT max(m.uidvalidity) + 1 FROM mailbox m WHERE m.account_id = v_account)
    WHERE a.account_id = v_account;
    v_last := v_account;
  END LOOP;
  RETURN v_last;
END
$$;
