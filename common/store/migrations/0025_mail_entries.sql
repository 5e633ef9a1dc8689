-- Flags, COPY, MOVE, EXPUNGE, deletion of mailboxes: each one set-based transaction with one modseq.
-- Uid sets are int8multirange with finite bounds. Custom plans, so that only the account's partition is touched.
SET LOCAL ROLE dromos_owner;

-- Ascending uids as ranges.
CREATE FUNCTION mail.pack(p_uids bigint[]) RETURNS int8multirange LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(range_agg(int8range(s.lo, s.hi, '[]')), '{}'::int8multirange)
  FROM (SELECT min(u.uid) AS lo, max(u.uid) AS hi FROM unnest(p_uids) WITH ORDINALITY AS u (uid, no) GROUP BY u.uid - u.no) s
$$;

-- op: 0 replace, 1 add, 2 remove.
CREATE FUNCTION mail.keywords_apply(p_op integer, p_old text[], p_change text[]) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE p_op WHEN 0 THEN p_change
    WHEN 1 THEN (SELECT coalesce(array_agg(DISTINCT k COLLATE "C" ORDER BY k COLLATE "C"), '{}') FROM unnest(p_old || p_change) k)
    ELSE (SELECT coalesce(array_agg(k ORDER BY k COLLATE "C"), '{}') FROM unnest(p_old) k WHERE k <> ALL (p_change)) END
$$;

-- A new modseq for changes of emails and mailbox counts; p_thread: emails came or went.
CREATE FUNCTION mail.next_modseq(p_account bigint, p_thread boolean) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
  UPDATE account_state SET modseq = modseq + 1, email_modseq = modseq + 1, mailbox_modseq = modseq + 1,
    thread_modseq = CASE WHEN p_thread THEN modseq + 1 ELSE thread_modseq END
  WHERE account_id = p_account RETURNING modseq
$$;

-- The work of STORE under the account's lock with a modseq already given; NULL if nothing changed.
CREATE FUNCTION mail.flags_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                              p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_uids bigint[];
  v_ids uuid[];
  v_pack int8multirange;
  v_seen bigint;
  v_live bigint;
  v_live_seen bigint;
  v_live_bytes bigint;
BEGIN
  SELECT array_agg(s.uid), array_agg(s.message_id), sum((s.new & 1) - (s.old & 1)), sum(((s.old & 8) - (s.new & 8)) / 8),
         sum((s.new & 9 = 1)::integer - (s.old & 9 = 1)::integer), sum(s.size * (((s.old & 8) - (s.new & 8)) / 8))
  INTO v_uids, v_ids, v_seen, v_live, v_live_seen, v_live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags AS old,
           CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END AS new
    FROM unnest(p_uids) AS r
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE (p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
      AND CASE p_op WHEN 0 THEN e.flags <> p_flags OR e.keywords <> p_keywords
                    WHEN 1 THEN e.flags & p_flags <> p_flags OR NOT e.keywords @> p_keywords
                    ELSE e.flags & p_flags <> 0 OR e.keywords && p_keywords END
    ORDER BY e.uid) s;
  IF v_uids IS NULL THEN
    RETURN NULL;
  END IF;
  v_pack := pack(v_uids);
  IF p_op <> 0 AND cardinality(p_keywords) = 0 THEN
    UPDATE entry e SET flags = CASE p_op WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END, modseq = p_modseq
    FROM unnest(v_pack) AS r
    WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  ELSE
    UPDATE entry e SET flags = CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END,
                       keywords = keywords_apply(p_op, e.keywords, p_keywords), modseq = p_modseq
    FROM unnest(v_pack) AS r
    WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
    IF p_op < 2 THEN
      INSERT INTO keyword (account_id, mailbox_id, name) SELECT p_account, p_mailbox, k FROM unnest(p_keywords) k
      ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  UPDATE mailbox SET highestmodseq = p_modseq, all_seen = all_seen + v_seen, live_count = live_count + v_live,
    live_seen = live_seen + v_live_seen, live_bytes = live_bytes + v_live_bytes
  WHERE account_id = p_account AND mailbox_id = p_mailbox;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_modseq, p_mailbox, 2, v_pack, v_ids);
  RETURN v_pack;
END
$$;

-- STORE. modseq NULL: nothing was to change. failed: entries changed since p_unchangedsince (RFC 7162 §3.1.3).
CREATE FUNCTION mail.store_flags_v1(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                    p_keywords text, p_unchangedsince bigint)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_state account_state;
BEGIN
  IF p_op NOT BETWEEN 0 AND 2 THEN
    RAISE EXCEPTION 'unknown flag operation' USING ERRCODE = 'DRINV';
  END IF;
  v_state := lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_mailbox);
  failed := '{}';
  IF p_unchangedsince IS NOT NULL THEN
    SELECT pack(array_agg(e.uid ORDER BY e.uid)) INTO failed FROM unnest(p_uids) AS r
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE e.modseq > p_unchangedsince;
  END IF;
  changed := flags_in(p_account, p_mailbox, p_uids, p_op, p_flags, keywords_of(p_keywords), p_unchangedsince, v_state.modseq + 1);
  IF changed IS NULL THEN
    changed := '{}';
  ELSE
    modseq := next_modseq(p_account, false);
  END IF;
  RETURN NEXT;
END
$$;

-- Takes entries away under the account's lock; they go to mail.expunged. NULL if there were none.
CREATE FUNCTION mail.expunge_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_uids bigint[];
  v_ids uuid[];
  v_sizes bigint[];
  v_single boolean;
  v_count bigint;
  v_bytes bigint;
  v_box mailbox;
  v_pack int8multirange;
BEGIN
  -- If each message has one entry, all that leave are gone and need not be looked for.
  SELECT a.used_messages = (SELECT sum(m.all_count) FROM mailbox m WHERE m.account_id = p_account) INTO v_single
  FROM account_state a WHERE a.account_id = p_account;
  WITH gone AS (
    DELETE FROM entry e USING unnest(p_uids) AS r
    WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
      AND (NOT p_deleted_only OR e.flags & 8 = 8)
    RETURNING e.*
  ), kept AS (
    INSERT INTO expunged (account_id, mailbox_id, uid, modseq, message_id, received_at, flags, keywords)
    SELECT g.account_id, g.mailbox_id, g.uid, p_modseq, g.message_id, g.received_at, g.flags, g.keywords FROM gone g
  )
  SELECT array_agg(g.uid), array_agg(g.message_id), array_agg(g.size), count(*), sum(g.size),
         count(*) FILTER (WHERE g.flags & 1 = 1), count(*) FILTER (WHERE g.flags & 8 = 0),
         count(*) FILTER (WHERE g.flags & 9 = 1), coalesce(sum(g.size) FILTER (WHERE g.flags & 8 = 0), 0)
  INTO v_uids, v_ids, v_sizes, v_box.all_count, v_box.all_bytes, v_box.all_seen, v_box.live_count, v_box.live_seen, v_box.live_bytes
  FROM (SELECT * FROM gone ORDER BY uid) g;
  IF v_uids IS NULL THEN
    RETURN NULL;
  END IF;
  IF v_single THEN
    v_count := v_box.all_count;
    v_bytes := v_box.all_bytes;
  ELSE
    SELECT count(*), coalesce(sum(s.size), 0) INTO v_count, v_bytes FROM unnest(v_ids, v_sizes) AS s (id, size)
    WHERE NOT EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = s.id);
  END IF;
  UPDATE account_state SET used_bytes = used_bytes - v_bytes, used_messages = used_messages - v_count,
    expunged_since = least(coalesce(expunged_since, now()), now())
  WHERE account_id = p_account;
  UPDATE mailbox SET highestmodseq = p_modseq, all_count = all_count - v_box.all_count, all_seen = all_seen - v_box.all_seen,
    all_bytes = all_bytes - v_box.all_bytes, live_count = live_count - v_box.live_count,
    live_seen = live_seen - v_box.live_seen, live_bytes = live_bytes - v_box.live_bytes
  WHERE account_id = p_account AND mailbox_id = p_mailbox;
  v_pack := pack(v_uids);
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_modseq, p_mailbox, 3, v_pack, v_ids);
  RETURN v_pack;
END
$$;

-- EXPUNGE and UID EXPUNGE. p_deleted_only false: entries need not be \Deleted (POP3, JMAP).
CREATE FUNCTION mail.expunge_v1(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean)
RETURNS TABLE (modseq bigint, uids int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_state account_state;
BEGIN
  v_state := lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_mailbox);
  uids := expunge_in(p_account, p_mailbox, p_uids, p_deleted_only, v_state.modseq + 1);
  IF uids IS NULL THEN
    uids := '{}';
  ELSE
    modseq := next_modseq(p_account, true);
  END IF;
  RETURN NEXT;
END
$$;

-- Makes a second message over the same blob for each of p_old; the account's lock is held.
CREATE FUNCTION mail.clone_messages(p_account bigint, p_old uuid[], p_new uuid[], p_modseq bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_bytes bigint;
  v_state account_state;
BEGIN
  WITH made AS (
    INSERT INTO message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, trace_id, blob_hash, thread_keys, facts)
    SELECT m.account_id, s.new, m.thread_id, m.received_at, p_modseq, m.size, m.facts_version, m.trace_id, m.blob_hash, m.thread_keys, m.facts
    FROM unnest(p_old, p_new) AS s (old, new) JOIN message m ON m.account_id = p_account AND m.message_id = s.old
    RETURNING blob_hash, size
  ), shared AS (
    UPDATE blob b SET refs = b.refs + h.count, idle_since = NULL
    FROM (SELECT blob_hash, count(*) AS count FROM made GROUP BY 1) h WHERE b.account_id = p_account AND b.hash = h.blob_hash
  )
  SELECT coalesce(sum(size), 0) INTO v_bytes FROM made;
  INSERT INTO text_extract (account_id, message_id, codec, dict_id, key_id, truncated, data)
  SELECT t.account_id, s.new, t.codec, t.dict_id, t.key_id, t.truncated, t.data
  FROM unnest(p_old, p_new) AS s (old, new) JOIN text_extract t ON t.account_id = p_account AND t.message_id = s.old;
  UPDATE account_state SET used_bytes = used_bytes + v_bytes, used_messages = used_messages + cardinality(p_new)
  WHERE account_id = p_account RETURNING * INTO v_state;
  IF v_state.used_bytes > v_state.quota_bytes OR v_state.used_messages > v_state.quota_messages THEN
    RAISE EXCEPTION 'over quota' USING ERRCODE = 'DRQUO';
  END IF;
END
$$;

-- COPY and MOVE within an account, idempotent by p_delivery. Source uids in ascending order became
-- first_uid, first_uid + 1, ...; modseq NULL: there was nothing to do. A message that p_target holds already gets a
-- clone there: a mailbox holds a message once.
CREATE FUNCTION mail.transfer_v1(p_delivery uuid, p_account bigint, p_source bigint, p_uids int8multirange, p_target bigint, p_move boolean)
RETURNS TABLE (modseq bigint, uidvalidity bigint, source_uids int8multirange, first_uid bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
  v_source mailbox;
  v_target mailbox;
  v_modseq bigint;
  v_summary jsonb;
  v_n mailbox;  -- sums over what is transferred
  v_uids bigint[];
  v_ids uuid[];
  v_old uuid[] := '{}';
  v_new uuid[] := '{}';
BEGIN
  v_state := lock_account(p_account);
  SELECT d.summary INTO v_summary FROM delivery d WHERE d.delivery_id = p_delivery;
  IF FOUND THEN
    RETURN QUERY SELECT (v_summary->>'modseq')::bigint, (v_summary->>'uidvalidity')::bigint,
                        (v_summary->>'source')::int8multirange, (v_summary->>'first')::bigint;
    RETURN;
  END IF;
  IF p_source <= p_target THEN
    v_source := lock_mailbox(p_account, p_source);
    v_target := lock_mailbox(p_account, p_target);
  ELSE
    v_target := lock_mailbox(p_account, p_target);
    v_source := lock_mailbox(p_account, p_source);
  END IF;
  IF NOT v_target.selectable THEN
    RAISE EXCEPTION 'mailbox % takes no messages', p_target USING ERRCODE = 'DRINV';
  END IF;
  v_modseq := v_state.modseq + 1;

  SELECT count(*), coalesce(sum(e.size), 0), count(*) FILTER (WHERE e.flags & 1 = 1), count(*) FILTER (WHERE e.flags & 8 = 0),
         count(*) FILTER (WHERE e.flags & 9 = 1), coalesce(sum(e.size) FILTER (WHERE e.flags & 8 = 0), 0)
  INTO v_n.all_count, v_n.all_bytes, v_n.all_seen, v_n.live_count, v_n.live_seen, v_n.live_bytes
  FROM unnest(p_uids) AS r
  JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r);
  IF v_n.all_count = 0 THEN
    RETURN QUERY SELECT NULL::bigint, v_target.uidvalidity::bigint, '{}'::int8multirange, v_target.uidnext::bigint;
    RETURN;
  END IF;
  IF v_target.all_count > 0 AND NOT (p_move AND p_source = p_target) THEN
    SELECT coalesce(array_agg(e.message_id), '{}'), coalesce(array_agg(uuid7()), '{}') INTO v_old, v_new
    FROM unnest(p_uids) AS r
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE EXISTS (SELECT FROM entry d WHERE d.account_id = p_account AND d.mailbox_id = p_target AND d.message_id = e.message_id);
    IF cardinality(v_old) > 0 THEN
      PERFORM clone_messages(p_account, v_old, v_new, v_modseq);
    END IF;
  END IF;

  IF p_move THEN
    WITH gone AS (
      DELETE FROM entry e USING unnest(p_uids) AS r
      WHERE e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)
      RETURNING e.*
    ), put AS (
      INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
      SELECT p_account, p_target, v_target.uidnext - 1 + row_number() OVER (ORDER BY g.uid), v_modseq,
             CASE WHEN cardinality(v_old) = 0 THEN g.message_id ELSE coalesce(c.new, g.message_id) END,
             g.thread_id, g.received_at, g.size, g.flags, g.keywords
      FROM gone g LEFT JOIN unnest(v_old, v_new) AS c (old, new) ON c.old = g.message_id
    )
    SELECT array_agg(g.uid), array_agg(g.message_id) INTO v_uids, v_ids FROM (SELECT g.uid, g.message_id FROM gone g ORDER BY g.uid) g;
    INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
    VALUES (p_account, v_modseq, p_source, 3, pack(v_uids), v_ids);
    UPDATE mailbox SET highestmodseq = v_modseq, all_count = all_count - v_n.all_count, all_seen = all_seen - v_n.all_seen,
      all_bytes = all_bytes - v_n.all_bytes, live_count = live_count - v_n.live_count, live_seen = live_seen - v_n.live_seen,
      live_bytes = live_bytes - v_n.live_bytes
    WHERE account_id = p_account AND mailbox_id = p_source;
    IF cardinality(v_old) > 0 THEN
      -- The clones are what arrived; the moved messages themselves stay in the target alone and count once.
      SELECT array_agg(coalesce(c.new, s.id) ORDER BY s.no) INTO v_ids
      FROM unnest(v_ids) WITH ORDINALITY AS s (id, no) LEFT JOIN unnest(v_old, v_new) AS c (old, new) ON c.old = s.id;
    END IF;
  ELSE
    WITH put AS (
      INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
      SELECT p_account, p_target, v_target.uidnext - 1 + row_number() OVER (ORDER BY e.uid), v_modseq,
             CASE WHEN cardinality(v_old) = 0 THEN e.message_id ELSE coalesce(c.new, e.message_id) END,
             e.thread_id, e.received_at, e.size, e.flags, e.keywords
      FROM (SELECT e.* FROM unnest(p_uids) AS r
            JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)) e
      LEFT JOIN unnest(v_old, v_new) AS c (old, new) ON c.old = e.message_id
      RETURNING uid, message_id
    )
    SELECT array_agg(p.message_id) INTO v_ids FROM (SELECT p.message_id FROM put p ORDER BY p.uid) p;
    -- The new entries are there only if the mailbox is its own target: they lie above uidnext.
    SELECT array_agg(e.uid) INTO v_uids FROM (SELECT e.uid FROM unnest(p_uids) AS r
      JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)
      WHERE e.uid < v_source.uidnext ORDER BY e.uid) e;
  END IF;

  UPDATE mailbox SET highestmodseq = v_modseq, uidnext = uidnext + v_n.all_count, all_count = all_count + v_n.all_count,
    all_seen = all_seen + v_n.all_seen, all_bytes = all_bytes + v_n.all_bytes, live_count = live_count + v_n.live_count,
    live_seen = live_seen + v_n.live_seen, live_bytes = live_bytes + v_n.live_bytes
  WHERE account_id = p_account AND mailbox_id = p_target;
  INSERT INTO keyword (account_id, mailbox_id, name)
  SELECT p_account, p_target, k.name FROM keyword k WHERE k.account_id = p_account AND k.mailbox_id = p_source
  ON CONFLICT DO NOTHING;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, v_modseq, p_target, 1, int8multirange(int8range(v_target.uidnext, v_target.uidnext + v_n.all_count)), v_ids);
  PERFORM next_modseq(p_account, true);
  INSERT INTO delivery (delivery_id, results, summary) VALUES (p_delivery, '{}', jsonb_build_object(
    'modseq', v_modseq, 'uidvalidity', v_target.uidvalidity, 'source', pack(v_uids)::text, 'first', v_target.uidnext));
  RETURN QUERY SELECT v_modseq, v_target.uidvalidity::bigint, pack(v_uids), v_target.uidnext::bigint;
END
$$;

-- JMAP Email/set of one message: its mailboxes and its flags and keywords in all of them (NULL: as they are). An empty
-- set of mailboxes destroys it. Returns the modseq, NULL if nothing was to change, DRNOF if there is no such message.
-- p_unchanged: the highest modseq of its entries that the caller has read; later changes are DRCON, so that a value
-- made from what was read never overwrites them.
CREATE FUNCTION mail.email_set_v1(p_account bigint, p_message uuid, p_mailboxes bigint[], p_flags integer, p_keywords text,
                                  p_unchanged bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_state account_state;
  v_modseq bigint;
  v_have entry;
  v_row record;
  v_changed boolean := false;
  v_moved boolean := false;
BEGIN
  v_state := lock_account(p_account);
  v_modseq := v_state.modseq + 1;
  SELECT * INTO v_have FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message
  ORDER BY e.flags & 8, e.mailbox_id LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such message' USING ERRCODE = 'DRNOF';
  END IF;
  IF EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message AND e.modseq > p_unchanged) THEN
    RAISE EXCEPTION 'the message was changed meanwhile' USING ERRCODE = 'DRCON';
  END IF;
  IF p_mailboxes IS NOT NULL THEN
    PERFORM FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = ANY (p_mailboxes) ORDER BY m.mailbox_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM unnest(p_mailboxes) w WHERE NOT EXISTS (
        SELECT FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = w AND m.selectable)) THEN
      RAISE EXCEPTION 'no such mailbox' USING ERRCODE = 'DRNOF';
    END IF;
    FOR v_row IN  -- arrivals first, so that the message is never without an entry
      SELECT m.mailbox_id, m.uidnext FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = ANY (p_mailboxes)
        AND NOT EXISTS (SELECT FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message AND e.mailbox_id = m.mailbox_id)
      ORDER BY m.mailbox_id
    LOOP
      INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
      VALUES (p_account, v_row.mailbox_id, v_row.uidnext, v_modseq, p_message, v_have.thread_id, v_have.received_at, v_have.size,
              v_have.flags & ~8, v_have.keywords);
      UPDATE mailbox m SET uidnext = m.uidnext + 1, highestmodseq = v_modseq, all_count = m.all_count + 1,
        all_seen = m.all_seen + (v_have.flags & 1), all_bytes = m.all_bytes + v_have.size, live_count = m.live_count + 1,
        live_seen = m.live_seen + (v_have.flags & 1), live_bytes = m.live_bytes + v_have.size
      WHERE m.account_id = p_account AND m.mailbox_id = v_row.mailbox_id;
      INSERT INTO keyword (account_id, mailbox_id, name) SELECT p_account, v_row.mailbox_id, k FROM unnest(v_have.keywords) k
      ON CONFLICT DO NOTHING;
      INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
      VALUES (p_account, v_modseq, v_row.mailbox_id, 1, int8multirange(int8range(v_row.uidnext, v_row.uidnext, '[]')), ARRAY[p_message]);
      v_moved := true;
    END LOOP;
    FOR v_row IN
      SELECT e.mailbox_id, e.uid FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message
        AND e.mailbox_id <> ALL (p_mailboxes) ORDER BY e.mailbox_id
    LOOP
      PERFORM lock_mailbox(p_account, v_row.mailbox_id);
      PERFORM expunge_in(p_account, v_row.mailbox_id, int8multirange(int8range(v_row.uid, v_row.uid, '[]')), false, v_modseq);
      v_moved := true;
    END LOOP;
  END IF;
  IF p_flags IS NOT NULL THEN
    FOR v_row IN
      SELECT e.mailbox_id, e.uid, e.flags FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message ORDER BY e.mailbox_id
    LOOP
      v_changed := flags_in(p_account, v_row.mailbox_id, int8multirange(int8range(v_row.uid, v_row.uid, '[]')), 0,
                            (p_flags & ~8) | (v_row.flags & 8), keywords_of(p_keywords), NULL, v_modseq) IS NOT NULL OR v_changed;
    END LOOP;
  END IF;
  IF v_changed OR v_moved THEN
    RETURN next_modseq(p_account, v_moved);
  END IF;
  RETURN NULL;
END
$$;

-- DELETE. Its messages go to mail.expunged; DRNEM if there are any and p_with_messages is false; DRCHI if mailboxes
-- lie below it.
CREATE FUNCTION mail.mailbox_delete_v1(p_account bigint, p_mailbox bigint, p_with_messages boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_box mailbox;
  v_modseq bigint;
BEGIN
  PERFORM lock_account(p_account);
  v_box := lock_mailbox(p_account, p_mailbox);
  IF v_box.special_use = 'inbox' THEN
    RAISE EXCEPTION 'INBOX stays' USING ERRCODE = 'DRINV';
  END IF;
  IF EXISTS (SELECT FROM mailbox m WHERE m.account_id = p_account AND m.parent_id = p_mailbox) THEN
    RAISE EXCEPTION 'mailbox has children' USING ERRCODE = 'DRCHI';
  END IF;
  IF v_box.all_count > 0 AND NOT p_with_messages THEN
    RAISE EXCEPTION 'mailbox is not empty' USING ERRCODE = 'DRNEM';
  END IF;
  IF v_box.all_count > 0 THEN
    v_modseq := next_modseq(p_account, true);
    PERFORM expunge_in(p_account, p_mailbox, int8multirange(int8range(1, 4294967296)), false, v_modseq);
  ELSE
    v_modseq := next_mailbox_modseq(p_account);
  END IF;
  DELETE FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind) VALUES (p_account, v_modseq, p_mailbox, 6);
  RETURN v_modseq;
END
$$;

-- RENAME INBOX: its messages move to a new mailbox at p_path; INBOX keeps its id and stays (RFC 9051 §6.3.6, RFC 8474 §4).
CREATE FUNCTION mail.rename_inbox_v1(p_delivery uuid, p_account bigint, p_path text[])
RETURNS TABLE (mailbox_id bigint, modseq bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_inbox bigint;
  v_moved bigint;
BEGIN
  PERFORM lock_account(p_account);
  IF EXISTS (SELECT FROM delivery d WHERE d.delivery_id = p_delivery) THEN
    mailbox_id := mailbox_walk(p_account, p_path, NULL);
    SELECT m.highestmodseq INTO modseq FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = rename_inbox_v1.mailbox_id;
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT m.mailbox_id INTO v_inbox FROM mailbox m WHERE m.account_id = p_account AND m.special_use = 'inbox';
  SELECT c.mailbox_id, c.modseq INTO mailbox_id, modseq FROM mailbox_create_v1(p_account, p_path, NULL, true, 0) c;
  SELECT t.modseq INTO v_moved
  FROM transfer_v1(p_delivery, p_account, v_inbox, int8multirange(int8range(1, 4294967296)), rename_inbox_v1.mailbox_id, true) t;
  modseq := coalesce(v_moved, modseq);
  RETURN NEXT;
END
$$;

-- Facts computed anew by a later parser. Not a change that clients see.
CREATE FUNCTION mail.facts_set_v1(p_account bigint, p_messages uuid[], p_version integer, p_facts bytea[]) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  PERFORM lock_account(p_account);
  UPDATE message m SET facts = s.facts, facts_version = p_version
  FROM unnest(p_messages, p_facts) AS s (id, facts)
  WHERE m.account_id = p_account AND m.message_id = s.id AND m.facts_version <= p_version;
END
$$;
