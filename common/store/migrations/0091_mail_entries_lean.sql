-- STORE, COPY, MOVE and EXPUNGE of 100,000 at once (docs/decisions/0007), with memory for their lists, which else are sorted in
-- files; moves into and out of Junk are noted as lessons.
SET LOCAL ROLE dromos_owner;

-- Ascending uids as ranges.
CREATE OR REPLACE FUNCTION mail.pack(p_uids bigint[]) RETURNS int8multirange LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_uids[cardinality(p_uids)] - p_uids[1] + 1 = cardinality(p_uids)
    THEN int8multirange(int8range(p_uids[1], p_uids[cardinality(p_uids)], '[]'))
    ELSE (SELECT coalesce(range_agg(int8range(s.lo, s.hi, '[]')), '{}'::int8multirange)
          FROM (SELECT min(u.uid) AS lo, max(u.uid) AS hi FROM unnest(p_uids) WITH ORDINALITY AS u (uid, no) GROUP BY u.uid - u.no) s)
    END
$$;

-- The ranges of a packed set, and how many uids lie before each.
CREATE OR REPLACE FUNCTION mail.spans(p_pack int8multirange) RETURNS TABLE (lo bigint, hi bigint, before bigint) LANGUAGE sql IMMUTABLE ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
  SELECT lower(r), upper(r), (sum(upper(r) - lower(r)) OVER (ORDER BY lower(r)))::bigint - (upper(r) - lower(r)) FROM unnest(p_pack) r
$$;

-- The work of STORE under the account's lock with a modseq already given; NULL if nothing changed.
CREATE OR REPLACE FUNCTION mail.flags_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                              p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
DECLARE
  v_uids bigint[];
  v_ids uuid[];
  v_pack int8multirange;
  v_seen bigint := 0;
  v_live bigint := 0;
  v_live_seen bigint := 0;
  v_live_bytes bigint := 0;
  v_count bigint;
  v_count_9 bigint;  -- of those changed: have the other one of \Seen and \Deleted (counted where one of them is what changes)
  v_bytes bigint;
BEGIN
  IF p_op <> 0 AND cardinality(p_keywords) = 0 AND p_flags IN (1, 2, 4, 8, 16) THEN
    -- One flag comes or goes: what a row was before follows from what it is, and one pass does it.
    WITH changed AS (
      UPDATE entry e SET flags = e.flags # p_flags, modseq = p_modseq FROM unnest(p_uids) AS r
      WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
        AND (e.flags & p_flags = 0) = (p_op = 1) AND (p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
      RETURNING e.uid, e.message_id, e.flags, e.size)
    SELECT array_agg(s.uid), array_agg(s.message_id), count(*), count(*) FILTER (WHERE s.flags & (9 - p_flags) <> 0), sum(s.size)
    INTO v_uids, v_ids, v_count, v_count_9, v_bytes FROM (SELECT * FROM changed ORDER BY uid) s;
    IF v_uids IS NULL THEN
      RETURN NULL;
    END IF;
    v_pack := pack(v_uids);
    IF p_flags = 1 THEN
      v_seen := v_count * (3 - 2 * p_op);
      v_live_seen := (v_count - v_count_9) * (3 - 2 * p_op);
    ELSIF p_flags = 8 THEN
      v_live := v_count * (2 * p_op - 3);
      v_live_seen := v_count_9 * (2 * p_op - 3);
      v_live_bytes := v_bytes * (2 * p_op - 3);
    END IF;
  ELSE
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
    UPDATE entry e SET flags = CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END,
                       keywords = CASE WHEN p_op <> 0 AND cardinality(p_keywords) = 0 THEN e.keywords
                                       ELSE keywords_apply(p_op, e.keywords, p_keywords) END, modseq = p_modseq
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

-- STORE, as _v1; before: the mailbox's highest modseq before it. Who knew that state can work out the new one.
CREATE FUNCTION mail.store_flags_v2(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                    p_keywords text, p_unchangedsince bigint)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange, before bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
  v_mailbox mailbox;
BEGIN
  IF p_op NOT BETWEEN 0 AND 2 THEN
    RAISE EXCEPTION 'unknown flag operation' USING ERRCODE = 'DRINV';
  END IF;
  v_state := lock_account(p_account);
  v_mailbox := lock_mailbox(p_account, p_mailbox);
  before := v_mailbox.highestmodseq;
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
REVOKE ALL ON FUNCTION mail.store_flags_v2(bigint, bigint, int8multirange, integer, integer, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.store_flags_v2(bigint, bigint, int8multirange, integer, integer, text, bigint) TO dromos_imapd, dromos_jmapd;

-- Takes entries away under the account's lock; they go to mail.expunged. NULL if there were none.
CREATE OR REPLACE FUNCTION mail.expunge_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
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
  SELECT array_agg(s.uid), array_agg(s.message_id), array_agg(s.size), count(*), sum(s.size),
         count(*) FILTER (WHERE s.flags & 1 = 1), count(*) FILTER (WHERE s.flags & 8 = 0),
         count(*) FILTER (WHERE s.flags & 9 = 1), coalesce(sum(s.size) FILTER (WHERE s.flags & 8 = 0), 0)
  INTO v_uids, v_ids, v_sizes, v_box.all_count, v_box.all_bytes, v_box.all_seen, v_box.live_count, v_box.live_seen, v_box.live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags FROM unnest(p_uids) AS r
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE NOT p_deleted_only OR e.flags & 8 = 8 ORDER BY e.uid) s;
  IF v_uids IS NULL THEN
    RETURN NULL;
  END IF;
  v_pack := pack(v_uids);
  -- Read again rather than kept: a result that DELETE returns goes through a file.
  INSERT INTO expunged (account_id, mailbox_id, uid, modseq, message_id, received_at, flags, keywords)
  SELECT p_account, p_mailbox, e.uid, p_modseq, e.message_id, e.received_at, e.flags, e.keywords
  FROM unnest(v_pack) AS r
  JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  DELETE FROM entry e USING unnest(v_pack) AS r
  WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
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
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_modseq, p_mailbox, 3, v_pack, v_ids);
  RETURN v_pack;
END
$$;

-- COPY and MOVE within an account, idempotent by p_delivery. Source uids in ascending order became
-- first_uid, first_uid + 1, ...; modseq NULL: there was nothing to do. A message that p_target holds already gets a
-- clone there: a mailbox holds a message once.
CREATE OR REPLACE FUNCTION mail.transfer_v1(p_delivery uuid, p_account bigint, p_source bigint, p_uids int8multirange, p_target bigint, p_move boolean)
RETURNS TABLE (modseq bigint, uidvalidity bigint, source_uids int8multirange, first_uid bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
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
  v_pack int8multirange;
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

  SELECT array_agg(s.uid), array_agg(s.message_id),
         count(*), coalesce(sum(s.size), 0), count(*) FILTER (WHERE s.flags & 1 = 1), count(*) FILTER (WHERE s.flags & 8 = 0),
         count(*) FILTER (WHERE s.flags & 9 = 1), coalesce(sum(s.size) FILTER (WHERE s.flags & 8 = 0), 0)
  INTO v_uids, v_ids, v_n.all_count, v_n.all_bytes, v_n.all_seen, v_n.live_count, v_n.live_seen, v_n.live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags FROM unnest(p_uids) AS r
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)
    ORDER BY e.uid) s;
  IF v_n.all_count = 0 THEN
    RETURN QUERY SELECT NULL::bigint, v_target.uidvalidity::bigint, '{}'::int8multirange, v_target.uidnext::bigint;
    RETURN;
  END IF;
  v_pack := pack(v_uids);
  IF v_target.all_count > 0 AND NOT (p_move AND p_source = p_target) THEN
    SELECT coalesce(array_agg(e.message_id), '{}'), coalesce(array_agg(uuid7()), '{}') INTO v_old, v_new
    FROM unnest(v_ids) AS e (message_id)
    WHERE EXISTS (SELECT FROM entry d WHERE d.account_id = p_account AND d.mailbox_id = p_target AND d.message_id = e.message_id);
    IF cardinality(v_old) > 0 THEN
      PERFORM clone_messages(p_account, v_old, v_new, v_modseq);
    END IF;
  END IF;

  IF p_move THEN
    INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
    VALUES (p_account, v_modseq, p_source, 3, v_pack, v_ids);
    UPDATE mailbox SET highestmodseq = v_modseq, all_count = all_count - v_n.all_count, all_seen = all_seen - v_n.all_seen,
      all_bytes = all_bytes - v_n.all_bytes, live_count = live_count - v_n.live_count, live_seen = live_seen - v_n.live_seen,
      live_bytes = live_bytes - v_n.live_bytes
    WHERE account_id = p_account AND mailbox_id = p_source;
  END IF;
  IF cardinality(v_old) > 0 THEN
    -- The clones are what arrives; moved messages themselves stay in the target alone and count once.
    SELECT array_agg(coalesce(c.new, s.id) ORDER BY s.no) INTO v_ids
    FROM unnest(v_ids) WITH ORDINALITY AS s (id, no) LEFT JOIN unnest(v_old, v_new) AS c (old, new) ON c.old = s.id;
  END IF;
  IF p_move THEN
    UPDATE entry e SET mailbox_id = p_target, uid = v_target.uidnext + s.before + e.uid - s.lo, modseq = v_modseq, saved_at = now(),
      message_id = CASE WHEN cardinality(v_old) = 0 THEN e.message_id ELSE v_ids[s.before + e.uid - s.lo + 1] END
    FROM spans(v_pack) AS s
    WHERE e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= s.lo AND e.uid < s.hi;
  ELSE
    INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
    SELECT p_account, p_target, v_target.uidnext + s.before + e.uid - s.lo, v_modseq,
           CASE WHEN cardinality(v_old) = 0 THEN e.message_id ELSE v_ids[s.before + e.uid - s.lo + 1] END,
           e.thread_id, e.received_at, e.size, e.flags, e.keywords
    FROM spans(v_pack) AS s
    JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_source AND e.uid >= s.lo AND e.uid < s.hi;
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
  IF p_move AND 'junk' IN (v_source.special_use, v_target.special_use) THEN
    PERFORM note_moved(p_account, v_ids, v_source.special_use, v_target.special_use);
  END IF;
  INSERT INTO delivery (delivery_id, results, summary) VALUES (p_delivery, '{}', jsonb_build_object(
    'modseq', v_modseq, 'uidvalidity', v_target.uidvalidity, 'source', v_pack::text, 'first', v_target.uidnext));
  RETURN QUERY SELECT v_modseq, v_target.uidvalidity::bigint, v_pack, v_target.uidnext::bigint;
END
$$;

-- JMAP Email/set of one message: its mailboxes and its flags and keywords in all of them (NULL: as they are). An empty
-- set of mailboxes destroys it. Returns the modseq, NULL if nothing was to change, DRNOF if there is no such message.
-- p_unchanged: the highest modseq of its entries that the caller has read; later changes are DRCON, so that a value
-- made from what was read never overwrites them.
CREATE OR REPLACE FUNCTION mail.email_set_v1(p_account bigint, p_message uuid, p_mailboxes bigint[], p_flags integer, p_keywords text,
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
  v_was_junk boolean;
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
    v_was_junk := EXISTS (SELECT FROM entry e JOIN mailbox m ON m.account_id = e.account_id AND m.mailbox_id = e.mailbox_id
      WHERE e.account_id = p_account AND e.message_id = p_message AND m.special_use = 'junk');
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
  IF v_moved AND cardinality(p_mailboxes) > 0 THEN
    PERFORM note_moved(p_account, ARRAY[p_message], CASE WHEN v_was_junk THEN 'junk' END, (
      SELECT CASE WHEN bool_or(m.special_use = 'junk') THEN 'junk' WHEN bool_and(m.special_use IS NOT DISTINCT FROM 'trash') THEN 'trash' END
      FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = ANY (p_mailboxes)));
  END IF;
  IF v_changed OR v_moved THEN
    RETURN next_modseq(p_account, v_moved);
  END IF;
  RETURN NULL;
END
$$;
