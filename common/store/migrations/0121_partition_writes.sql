-- What STORE, EXPUNGE and deliveries write is planned once a session, too: a statement that names mail.entry is planned at each
-- execution (its plan for any account holds all 32 partitions), one that names the account's partition is not. So these functions
-- exist once for each partition (their names end with _p0 to _p31), and one without a number calls the right one.
-- What was said of each function where it was made holds.
SET LOCAL ROLE dromos_owner;

-- Where PostgreSQL's hash partitioning puts an account (its files and dumps rest on that hash, so it does not change); as
-- partition_of() in common/store/partition.h.
CREATE FUNCTION mail.partition_of(p_account bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT (((hashint8extended(p_account, 8816678312871386365) & 31) + 3) & 31)::integer
$$;

-- The mailbox as it is now, for whoever holds the account's lock.
CREATE FUNCTION mail.mailbox_of(p_account bigint, p_mailbox bigint) RETURNS mail.mailbox LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_mailbox mail.mailbox;
BEGIN
  SELECT m.* INTO v_mailbox FROM mail.mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
  END IF;
  RETURN v_mailbox;
END
$$;

-- The ranges of a set, of which the planner expects one: it then puts them outside and looks each up in the index. With unnest()
-- it expects a hundred, takes the mailbox to be half in them, and goes through all of a large one for a few messages.
CREATE FUNCTION mail.ranges(p_uids int8multirange) RETURNS SETOF int8range LANGUAGE plpgsql IMMUTABLE STRICT ROWS 1 AS $$
BEGIN
  RETURN QUERY SELECT unnest(p_uids);
END
$$;

-- The functions that are as they were.
DO $$
DECLARE
  v_function text;
BEGIN
  FOREACH v_function IN ARRAY ARRAY['expunge_many', 'store_flags_limited_v1', 'store_flags_own_v1', 'store_flags_v1', 'transfer_across_v1',
                                    'transfer_files_v1', 'transfer_v1'] LOOP
    EXECUTE regexp_replace(pg_get_functiondef(('mail.' || v_function)::regproc), 'unnest\((p_uids|v_pack)\) AS r\M', 'mail.ranges(\1) AS r', 'g');
  END LOOP;
END
$$;
ALTER FUNCTION mail.spans(int8multirange) ROWS 1;

-- For each partition a function p_name_pN, of p_body with its number for %p; returns the CASE that calls the right of them.
CREATE FUNCTION mail.make_for_partitions(p_name text, p_plans text, p_parameters text, p_returns text, p_body text) RETURNS text
LANGUAGE plpgsql AS $make$
DECLARE
  v_arguments text := regexp_replace(p_parameters, '(p_\w+) [^,]*', '\1', 'g');
  v_cases text := '';
BEGIN
  FOR v_no IN 0 .. 31 LOOP
    EXECUTE format('CREATE FUNCTION mail.%s_p%s(%s) RETURNS %s LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_%s_plan AS $body$%s$body$',
                   p_name, v_no, p_parameters, p_returns, p_plans, replace(p_body, '%p', v_no::text));
    EXECUTE format('REVOKE ALL ON FUNCTION mail.%s_p%s FROM PUBLIC', p_name, v_no);
    v_cases := v_cases || format(E'    WHEN %s THEN RETURN mail.%s_p%s(%s);\n', v_no, p_name, v_no, v_arguments);
  END LOOP;
  RETURN format(E'CASE mail.partition_of(p_account)\n%s  END CASE;\n', v_cases);
END
$make$;

-- The function without a number.
CREATE FUNCTION mail.make_front(p_name text, p_parameters text, p_returns text, p_statements text) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
  EXECUTE format(E'CREATE OR REPLACE FUNCTION mail.%s(%s) RETURNS %s LANGUAGE plpgsql VOLATILE AS $body$\nBEGIN\n  %sEND\n$body$',
                 p_name, p_parameters, p_returns, p_statements);
  EXECUTE format('REVOKE ALL ON FUNCTION mail.%s FROM PUBLIC', p_name);
END
$make$;

-- A function about the entries p_uids of a mailbox, in two forms: of one range, the usual case, there is but one plan, which is kept; with
-- several it hangs on what mailbox they are in, and is made each time. In p_body {FROM RANGES}, {USING RANGES} or
-- {CROSS JOIN RANGES} stands where the ranges belong, and {ENTRIES} says which entries e are meant.
CREATE FUNCTION mail.make_by_ranges(p_name text, p_parameters text, p_returns text, p_body text) RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
  v_of_mailbox text := 'e.account_id = p_account AND e.mailbox_id = p_mailbox AND ';
  v_one text := replace(regexp_replace(p_body, '\{(FROM|USING|CROSS JOIN) RANGES\}', '', 'g'), '{ENTRIES}',
                        v_of_mailbox || 'e.uid >= lower(p_uids) AND e.uid < coalesce(upper(p_uids), 4294967296)');
  v_several text := replace(regexp_replace(p_body, '\{(FROM|USING|CROSS JOIN) RANGES\}', '\1 mail.ranges(p_uids) AS r', 'g'), '{ENTRIES}',
                            v_of_mailbox || 'e.uid >= lower(r) AND e.uid < upper(r)');
BEGIN
  PERFORM mail.make_front(p_name, p_parameters, p_returns,
    E'IF p_uids = int8multirange(range_merge(p_uids)) THEN\n  '
    || mail.make_for_partitions(p_name || '_in_range', 'generic', p_parameters, p_returns, v_one)
    || E'  ELSE\n  ' || mail.make_for_partitions(p_name || '_in_ranges', 'custom', p_parameters, p_returns, v_several) || E'  END IF;\n');
END
$make$;

-- STORE. What changes decides how often the rows are looked at: one flag that comes or goes, and keywords alone, need one pass.
SELECT mail.make_by_ranges('flags_rows',
  'p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer, p_keywords text[], p_unchangedsince bigint, p_modseq bigint',
  'mail.flags_done', replace($$
DECLARE
  v mail.flags_done;
  v_count bigint;
  v_count_9 bigint;  -- of those changed: have the other one of \Seen and \Deleted (counted where one of them is what changes)
  v_bytes bigint;
BEGIN
  IF upper_inf(p_uids) OR upper(p_uids) - lower(p_uids) > 1000 THEN
    PERFORM set_config('work_mem', '32MB', true);
  END IF;
  IF p_op <> 0 AND cardinality(p_keywords) = 0 AND p_flags IN (1, 2, 4, 8, 16) THEN
    WITH changed AS (
      UPDATE mail.entry_p%p e SET flags = e.flags # p_flags, modseq = p_modseq {FROM RANGES}
      WHERE {ENTRIES} AND (e.flags & p_flags = 0) = (p_op = 1) AND (p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
      RETURNING e.uid, e.message_id, e.flags, e.size)
    SELECT array_agg(s.uid), array_agg(s.message_id), count(*), count(*) FILTER (WHERE s.flags & (9 - p_flags) <> 0), sum(s.size)
    INTO v.uids, v.ids, v_count, v_count_9, v_bytes FROM (SELECT * FROM changed ORDER BY uid) s;
    v.seen := 0;
    v.live := 0;
    v.live_seen := 0;
    v.live_bytes := 0;
    IF p_flags = 1 THEN
      v.seen := v_count * (3 - 2 * p_op);
      v.live_seen := (v_count - v_count_9) * (3 - 2 * p_op);
    ELSIF p_flags = 8 THEN
      v.live := v_count * (2 * p_op - 3);
      v.live_seen := v_count_9 * (2 * p_op - 3);
      v.live_bytes := v_bytes * (2 * p_op - 3);
    END IF;
    RETURN v;
  END IF;
  IF p_op <> 0 AND p_flags = 0 THEN
    WITH changed AS (
      UPDATE mail.entry_p%p e SET keywords = mail.keywords_apply(p_op, e.keywords, p_keywords), modseq = p_modseq {FROM RANGES}
      WHERE {ENTRIES} AND {CHANGES}
      RETURNING e.uid, e.message_id)
    SELECT array_agg(s.uid), array_agg(s.message_id), 0, 0, 0, 0 INTO v FROM (SELECT * FROM changed ORDER BY uid) s;
    RETURN v;
  END IF;
  SELECT array_agg(s.uid), array_agg(s.message_id), sum((s.new & 1) - (s.old & 1)), sum(((s.old & 8) - (s.new & 8)) / 8),
         sum((s.new & 9 = 1)::integer - (s.old & 9 = 1)::integer), sum(s.size * (((s.old & 8) - (s.new & 8)) / 8))
  INTO v.uids, v.ids, v.seen, v.live, v.live_seen, v.live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags AS old,
           CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END AS new
    FROM mail.entry_p%p e {CROSS JOIN RANGES} WHERE {ENTRIES} AND {CHANGES} ORDER BY e.uid) s;
  IF v.uids IS NOT NULL THEN
    UPDATE mail.entry_p%p e SET flags = CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END,
      keywords = CASE WHEN p_op = 0 THEN p_keywords WHEN cardinality(p_keywords) = 0 THEN e.keywords
                      ELSE mail.keywords_apply(p_op, e.keywords, p_keywords) END, modseq = p_modseq {FROM RANGES}
    WHERE {ENTRIES} AND {CHANGES};
  END IF;
  RETURN v;
END
$$, '{CHANGES}', $$(p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
      AND CASE p_op WHEN 0 THEN e.flags <> p_flags OR e.keywords <> p_keywords
                    WHEN 1 THEN e.flags & p_flags <> p_flags OR NOT e.keywords @> p_keywords
                    ELSE e.flags & p_flags <> 0 OR e.keywords && p_keywords END$$));

SELECT mail.make_by_ranges('changed_after', 'p_account bigint, p_mailbox bigint, p_uids int8multirange, p_modseq bigint', 'int8multirange', $$
BEGIN
  RETURN (SELECT mail.pack(array_agg(e.uid ORDER BY e.uid)) FROM mail.entry_p%p e {CROSS JOIN RANGES} WHERE {ENTRIES} AND e.modseq > p_modseq);
END
$$);

CREATE OR REPLACE FUNCTION mail.store_flags_v2(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                               p_keywords text, p_unchangedsince bigint)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange, before bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
BEGIN
  IF p_op NOT BETWEEN 0 AND 2 THEN
    RAISE EXCEPTION 'unknown flag operation' USING ERRCODE = 'DRINV';
  END IF;
  v_state := lock_account(p_account);
  before := (mailbox_of(p_account, p_mailbox)).highestmodseq;
  failed := '{}';
  IF p_unchangedsince IS NOT NULL THEN
    failed := changed_after(p_account, p_mailbox, p_uids, p_unchangedsince);
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

-- EXPUNGE. Few at once: one statement. (OFFSET 0: by the index for each, never by a table of all the account's.)
SELECT mail.make_by_ranges('expunge_few', 'p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint',
  'mail.expunge_done', $$
DECLARE
  v mail.expunge_done;
BEGIN
  WITH taken AS (
    DELETE FROM mail.entry_p%p e {USING RANGES} WHERE {ENTRIES} AND (NOT p_deleted_only OR e.flags & 8 = 8)
    RETURNING e.uid, e.message_id, e.size, e.flags, e.received_at, e.keywords
  ), kept AS (
    INSERT INTO mail.expunged (account_id, mailbox_id, uid, modseq, message_id, received_at, flags, keywords)
    SELECT p_account, p_mailbox, t.uid, p_modseq, t.message_id, t.received_at, t.flags, t.keywords FROM taken t
  )
  SELECT array_agg(s.uid), array_agg(s.message_id), count(*), count(*) FILTER (WHERE s.flags & 1 = 1), sum(s.size),
         count(*) FILTER (WHERE s.flags & 8 = 0), count(*) FILTER (WHERE s.flags & 9 = 1),
         coalesce(sum(s.size) FILTER (WHERE s.flags & 8 = 0), 0), count(*) FILTER (WHERE s.gone), coalesce(sum(s.size) FILTER (WHERE s.gone), 0)
  INTO v
  FROM (
    SELECT t.*, NOT EXISTS (SELECT FROM mail.entry_p%p o
                            WHERE o.account_id = p_account AND o.message_id = t.message_id AND o.mailbox_id <> p_mailbox OFFSET 0) AS gone
    FROM taken t ORDER BY t.uid) s;
  RETURN v;
END
$$);

-- p_box is the mailbox as it is now. p_top: what the account's modseqs are to be at least, or 0 where the caller sees to that.
CREATE FUNCTION mail.expunge_from(p_box mail.mailbox, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint, p_top bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v mail.expunge_done;
  v_pack int8multirange;
  v_most bigint := upper(p_uids) - lower(p_uids);
BEGIN
  IF p_deleted_only THEN
    v_most := least(v_most, p_box.all_count - p_box.live_count);
  END IF;
  IF v_most = 0 THEN
    RETURN NULL;
  ELSIF v_most <= 1000 THEN
    v := mail.expunge_few(p_box.account_id, p_box.mailbox_id, p_uids, p_deleted_only, p_modseq);
  ELSE
    v := mail.expunge_many(p_box.account_id, p_box.mailbox_id, p_uids, p_deleted_only, p_modseq);
  END IF;
  IF v.uids IS NULL THEN
    RETURN NULL;
  END IF;
  v_pack := mail.pack(v.uids);
  UPDATE mail.account_state a SET used_bytes = a.used_bytes - v.gone_bytes, used_messages = a.used_messages - v.gone,
    expunged_since = least(coalesce(a.expunged_since, now()), now()), modseq = greatest(a.modseq, p_top),
    email_modseq = greatest(a.email_modseq, p_top), mailbox_modseq = greatest(a.mailbox_modseq, p_top),
    thread_modseq = greatest(a.thread_modseq, p_top)
  WHERE a.account_id = p_box.account_id;
  UPDATE mail.mailbox m SET highestmodseq = p_modseq, all_count = m.all_count - v.all_count, all_seen = m.all_seen - v.all_seen,
    all_bytes = m.all_bytes - v.all_bytes, live_count = m.live_count - v.live_count,
    live_seen = m.live_seen - v.live_seen, live_bytes = m.live_bytes - v.live_bytes
  WHERE m.account_id = p_box.account_id AND m.mailbox_id = p_box.mailbox_id;
  INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_box.account_id, p_modseq, p_box.mailbox_id, 3, v_pack, v.ids);
  RETURN v_pack;
END
$$;

CREATE OR REPLACE FUNCTION mail.expunge_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN mail.expunge_from(mail.mailbox_of(p_account, p_mailbox), p_uids, p_deleted_only, p_modseq, 0);
END
$$;

-- before: the mailbox's highest modseq as it was, from which who had that state can work out the new one.
CREATE FUNCTION mail.expunge_v2(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean)
RETURNS TABLE (modseq bigint, uids int8multirange, before bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_box mailbox := mailbox_of(p_account, p_mailbox);
  v_next bigint;
BEGIN
  uids := '{}';
  -- Most often there is nothing to do, which needs no lock: who was told of his STORE is in what is read here.
  IF NOT p_deleted_only OR v_box.all_count > v_box.live_count THEN
    v_next := (lock_account(p_account)).modseq + 1;
    v_box := mailbox_of(p_account, p_mailbox);
    uids := coalesce(expunge_from(v_box, p_uids, p_deleted_only, v_next, v_next), '{}');
    IF uids <> '{}' THEN
      modseq := v_next;
    END IF;
  END IF;
  before := v_box.highestmodseq;
  RETURN NEXT;
END
$$;

CREATE OR REPLACE FUNCTION mail.expunge_v1(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean)
RETURNS TABLE (modseq bigint, uids int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT e.modseq, e.uids FROM expunge_v2(p_account, p_mailbox, p_uids, p_deleted_only) e;
END
$$;

-- Most mailboxes have nobody's own \Seen.
CREATE OR REPLACE FUNCTION mail.private_seen_leaves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM private_seen s WHERE s.account_id = NEW.account_id AND s.mailbox_id = NEW.mailbox_id) THEN
    DELETE FROM private_seen s WHERE s.account_id = NEW.account_id AND s.mailbox_id = NEW.mailbox_id AND s.changed <@ NEW.uids;
    UPDATE private_seen s SET changed = s.changed - NEW.uids, seen = s.seen - NEW.uids
    WHERE s.account_id = NEW.account_id AND s.mailbox_id = NEW.mailbox_id AND s.changed && NEW.uids;
  END IF;
  RETURN NULL;
END
$$;

-- Deliveries. The rows of one message that has been placed; where many come together, one statement for all is cheaper.
DO $make$
DECLARE
  v_parameters text := 'p_account bigint, p_target mail.deliver_target, p_hash bytea, p_header_size bigint, p_codec integer, p_header bytea, p_body bytea, '
    'p_facts bytea, p_facts_version integer, p_text bytea, p_text_codec integer, p_text_cut boolean, p_keys text, p_received timestamptz, p_trace uuid';
BEGIN
  PERFORM mail.make_front('deliver_rows', v_parameters, 'boolean', mail.make_for_partitions('deliver_rows', 'generic', v_parameters, 'boolean', $$
DECLARE
  v_keys bigint[] := '{}';
BEGIN
  INSERT INTO mail.blob_p%p AS b (account_id, hash, size, header_size, refs, chunks, codec, header, body)
  VALUES (p_account, p_hash, p_target.size, p_header_size, 1, 2, p_codec, p_header, p_body)
  ON CONFLICT (account_id, hash) DO UPDATE SET refs = b.refs + 1, idle_since = NULL;
  IF p_keys <> '' THEN
    v_keys := string_to_array(p_keys, ' ')::bigint[];
    INSERT INTO mail.thread_ref (account_id, key, thread_id) SELECT p_account, k.key, p_target.thread_id FROM unnest(v_keys) AS k (key)
    ON CONFLICT DO NOTHING;
  END IF;
  INSERT INTO mail.message_p%p (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, trace_id,
                                blob_hash, thread_keys, facts)
  VALUES (p_account, p_target.message_id, p_target.thread_id, p_received, p_target.modseq, p_target.size, p_facts_version, p_trace,
          p_hash, v_keys, p_facts);
  IF p_text <> '' THEN
    INSERT INTO mail.text_extract_p%p (account_id, message_id, codec, truncated, data)
    VALUES (p_account, p_target.message_id, p_text_codec, p_text_cut, p_text);
  END IF;
  INSERT INTO mail.entry_p%p (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
  VALUES (p_account, p_target.mailbox_id, p_target.uid, p_target.modseq, p_target.message_id, p_target.thread_id, p_received, p_target.size,
          p_target.flags, p_target.keywords);
  INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_target.modseq, p_target.mailbox_id, 1, int8multirange(int8range(p_target.uid, p_target.uid, '[]')), ARRAY[p_target.message_id]);
  RETURN true;
END
$$));
END
$make$;

CREATE OR REPLACE FUNCTION mail.deliver_v1(
  p_wait boolean, p_related boolean, c_id uuid[], c_mode integer[],
  m_call integer[], m_hash bytea[], m_size bigint[], m_header_size bigint[], m_codec integer[], m_header bytea[], m_body bytea[],
  m_facts bytea[], m_facts_version integer[], m_text bytea[], m_text_codec integer[], m_text_cut boolean[],
  m_keys text[], m_received timestamptz[], m_trace uuid[],
  t_msg integer[], t_account bigint[], t_mailbox bigint[], t_role text[], t_message uuid[], t_flags integer[], t_keywords text[],
  q_msg integer[], q_id uuid[], q_body uuid[], q_sender text[], q_account bigint[], q_expires timestamptz[], q_options text[],
  r_queue integer[], r_address text[], r_domain text[], r_transport text[], r_due timestamptz[], r_options text[],
  x_call integer[], x_trace uuid[], x_daemon text[], x_event text[], x_sender text[], x_recipient text[], x_account bigint[],
  x_code integer[], x_detail text[])
RETURNS TABLE (call_no integer, earlier boolean, target_no integer, outcome smallint, account_id bigint, mailbox_id bigint,
               uidvalidity bigint, uid bigint, modseq bigint, message_id uuid, thread_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_locked bigint[] := '{}';
  v_known uuid[];
  v_t deliver_target[] := '{}';
  v_void integer[] := '{}';                       -- calls of which nothing is stored now
  v_live boolean := cardinality(t_account) > 0;   -- something is stored in a mailbox
  v_clear boolean := true;                        -- no target was refused
  v_staged boolean := '' = ANY (m_header);        -- bytes of some message were staged before
  v_single boolean := cardinality(c_id) = 1;
  v_one boolean := cardinality(c_id) = 1 AND cardinality(t_account) = 1 AND NOT v_staged;  -- the usual case
  v_done boolean;
  v_account account_state;
  v_target deliver_target;
BEGIN
  IF v_one THEN
    v_account := lock_account_for_delivery(t_account[1], p_wait);
  ELSIF v_live AND p_wait THEN
    SELECT coalesce(array_agg(s.account_id), '{}') INTO v_locked FROM (
      SELECT a.account_id FROM account_state a WHERE a.account_id = ANY (t_account)
      ORDER BY a.account_id FOR NO KEY UPDATE) s;
  ELSIF v_live THEN
    SELECT coalesce(array_agg(s.account_id), '{}') INTO v_locked FROM (
      SELECT a.account_id FROM account_state a WHERE a.account_id = ANY (t_account)
      ORDER BY a.account_id FOR NO KEY UPDATE SKIP LOCKED) s;
  END IF;
  -- After the locks: an earlier try that was still running has committed or will be met as a busy account.
  SELECT coalesce(array_agg(d.delivery_id), '{}') INTO v_known FROM delivery d WHERE d.delivery_id = ANY (c_id);

  IF v_one THEN
    v_target := deliver_target_of(v_account, t_account[1], t_mailbox[1], t_role[1], c_mode[1] & 2 = 2, m_size[1]);
    v_target.message_id := t_message[1];
    v_target.flags := t_flags[1];
    v_target.keywords := CASE WHEN t_keywords[1] = '' THEN '{}' ELSE keywords_of(t_keywords[1]) END;
    v_t := ARRAY[v_target];
    v_clear := v_target.outcome = 0;
  ELSIF v_live THEN
    SELECT array_agg(ROW(s.no, s.call_no, s.msg, s.first, s.outcome,
        s.wanted, s.box, s.message, NULL, s.size, s.flags, s.keywords, NULL, NULL, NULL)::deliver_target ORDER BY s.no),
      bool_and(s.outcome = 0)
    INTO v_t, v_clear FROM (
      SELECT r.*,
        CASE WHEN r.account IS NULL THEN r.missing WHEN r.box IS NULL THEN 3
             WHEN (r.quota_bytes IS NOT NULL AND r.used_bytes + sum(CASE WHEN r.first THEN r.size ELSE 0 END) OVER w > r.quota_bytes)
               OR (r.quota_messages IS NOT NULL AND r.used_messages + count(*) FILTER (WHERE r.first) OVER w > r.quota_messages)
             THEN CASE WHEN v_single THEN 1 ELSE 4 END
             ELSE 0 END AS outcome
      FROM (
        SELECT t.no::integer, m_call[t.msg] AS call_no, t.msg, t.account AS wanted, a.account_id AS account, t.message, t.flags,
          CASE WHEN t.keywords = '' THEN '{}' ELSE keywords_of(t.keywords) END AS keywords,
          m_size[t.msg] AS size, a.quota_bytes, a.quota_messages, a.used_bytes, a.used_messages,
          row_number() OVER (PARTITION BY t.account, t.message ORDER BY t.no) = 1 AS first,
          CASE WHEN a.account_id IS NULL THEN
            CASE WHEN EXISTS (SELECT FROM account_state e WHERE e.account_id = t.account) THEN 4 ELSE 2 END END AS missing,
          coalesce(
            CASE WHEN t.mailbox <> 0 THEN
              (SELECT b.mailbox_id FROM mailbox b WHERE b.account_id = a.account_id AND b.mailbox_id = t.mailbox AND b.selectable) END,
            CASE WHEN t.role LIKE '{%' THEN mailbox_at(a.account_id, t.role::text[])
                 WHEN t.role <> '' THEN
              (SELECT b.mailbox_id FROM mailbox b WHERE b.account_id = a.account_id AND b.special_use = t.role AND b.selectable) END,
            CASE WHEN c_mode[m_call[t.msg]] & 2 = 0 THEN
              (SELECT b.mailbox_id FROM mailbox b WHERE b.account_id = a.account_id AND b.special_use = 'inbox') END) AS box
        FROM unnest(t_msg, t_account, t_mailbox, t_role, t_message, t_flags, t_keywords)
               WITH ORDINALITY AS t (msg, account, mailbox, role, message, flags, keywords, no)
        LEFT JOIN account_state a ON a.account_id = t.account AND a.account_id = ANY (v_locked)
      ) r WINDOW w AS (PARTITION BY r.wanted ORDER BY r.message, r.no)
    ) s;
    IF v_staged THEN
      FOR i IN 1 .. cardinality(v_t) LOOP
        CONTINUE WHEN v_t[i].outcome <> 0 OR m_header[v_t[i].msg_no] <> '';
        CONTINUE WHEN EXISTS (SELECT FROM blob b WHERE b.account_id = v_t[i].account_id AND b.hash = m_hash[v_t[i].msg_no]);
        v_t[i].outcome := 5;
        v_clear := false;
      END LOOP;
    END IF;
  END IF;

  IF NOT v_clear OR cardinality(v_known) > 0 THEN
    SELECT coalesce(array_agg(c.no), '{}') INTO v_void FROM (
      SELECT c.no::integer AS no FROM unnest(c_id, c_mode) WITH ORDINALITY AS c (id, mode, no)
      WHERE c.id = ANY (v_known)
         OR EXISTS (SELECT FROM unnest(v_t) t WHERE t.call_no = c.no AND (t.outcome = 4 OR (t.outcome <> 0 AND c.mode & 1 = 1)))) c;
    v_live := EXISTS (SELECT FROM unnest(v_t) t WHERE t.outcome = 0 AND t.call_no <> ALL (v_void));
  END IF;

  IF v_live AND v_one THEN
    v_target := deliver_place(v_target, m_keys[1]);
    v_t := ARRAY[v_target];
  ELSIF v_live THEN
    WITH live AS (
      SELECT t.* FROM unnest(v_t) t WHERE t.outcome = 0 AND t.call_no <> ALL (v_void)
    ), acc AS (
      UPDATE account_state a SET modseq = a.modseq + 1, email_modseq = a.modseq + 1, mailbox_modseq = a.modseq + 1,
        thread_modseq = a.modseq + 1, used_bytes = a.used_bytes + s.bytes, used_messages = a.used_messages + s.count
      FROM (SELECT l.account_id, coalesce(sum(l.size) FILTER (WHERE l.first_of_message), 0) AS bytes,
                   count(*) FILTER (WHERE l.first_of_message) AS count FROM live l GROUP BY 1) s
      WHERE a.account_id = s.account_id RETURNING a.account_id, a.modseq
    ), box AS (
      UPDATE mailbox b SET uidnext = b.uidnext + s.count, highestmodseq = s.modseq,
        all_count = b.all_count + s.count, all_seen = b.all_seen + s.seen, all_bytes = b.all_bytes + s.bytes,
        live_count = b.live_count + s.live_count, live_seen = b.live_seen + s.live_seen, live_bytes = b.live_bytes + s.live_bytes
      FROM (SELECT l.account_id, l.mailbox_id, acc.modseq, count(*) AS count, sum(l.size) AS bytes,
                   count(*) FILTER (WHERE l.flags & 1 = 1) AS seen,
                   count(*) FILTER (WHERE l.flags & 8 = 0) AS live_count,
                   count(*) FILTER (WHERE l.flags & 9 = 1) AS live_seen,
                   coalesce(sum(l.size) FILTER (WHERE l.flags & 8 = 0), 0) AS live_bytes
            FROM live l JOIN acc ON acc.account_id = l.account_id GROUP BY 1, 2, 3) s
      WHERE b.account_id = s.account_id AND b.mailbox_id = s.mailbox_id
      RETURNING b.account_id, b.mailbox_id, b.uidnext - s.count AS base, b.uidvalidity, b.highestmodseq AS modseq
    ), placed AS (
      SELECT l.no, box.base + row_number() OVER (PARTITION BY l.account_id, l.mailbox_id ORDER BY l.no) - 1 AS uid,
             box.uidvalidity, box.modseq,
             CASE WHEN m_keys[l.msg_no] = '' THEN l.message_id ELSE
               coalesce((SELECT f.thread_id FROM (
                   SELECT (SELECT r.thread_id FROM thread_ref r WHERE r.account_id = l.account_id AND r.key = k.key::bigint) AS thread_id, k.o
                   FROM unnest(string_to_array(m_keys[l.msg_no], ' ')) WITH ORDINALITY AS k (key, o)) f
                 WHERE f.thread_id IS NOT NULL ORDER BY f.o LIMIT 1), l.message_id) END AS thread_id
      FROM live l JOIN box ON box.account_id = l.account_id AND box.mailbox_id = l.mailbox_id
    )
    SELECT array_agg(ROW(t.no, t.call_no, t.msg_no, t.first_of_message, t.outcome, t.account_id, t.mailbox_id, t.message_id,
        p.thread_id, t.size, t.flags, t.keywords, p.uid, p.uidvalidity, p.modseq)::deliver_target ORDER BY t.no)
    INTO v_t FROM unnest(v_t) t LEFT JOIN placed p ON p.no = t.no;

  END IF;
  IF v_live THEN
    -- A reply beside its parent: one after the other, so that the second sees the first's thread.
    IF p_related THEN
      FOR i IN 1 .. cardinality(v_t) LOOP
        CONTINUE WHEN v_t[i].uid IS NULL OR m_keys[v_t[i].msg_no] = '';
        v_t[i].thread_id := coalesce((SELECT f.thread_id FROM (
            SELECT (SELECT r.thread_id FROM thread_ref r WHERE r.account_id = v_t[i].account_id AND r.key = k.key::bigint) AS thread_id, k.o
            FROM unnest(string_to_array(m_keys[v_t[i].msg_no], ' ')) WITH ORDINALITY AS k (key, o)) f
          WHERE f.thread_id IS NOT NULL ORDER BY f.o LIMIT 1), v_t[i].message_id);
        INSERT INTO thread_ref (account_id, key, thread_id)
        SELECT DISTINCT v_t[i].account_id, k::bigint, v_t[i].thread_id FROM unnest(string_to_array(m_keys[v_t[i].msg_no], ' ')) k
        ON CONFLICT DO NOTHING;
      END LOOP;
    END IF;

    IF v_staged THEN
      UPDATE blob b SET refs = b.refs + s.count, idle_since = NULL
      FROM (SELECT t.account_id, m_hash[t.msg_no] AS hash, count(*) AS count FROM unnest(v_t) t
            WHERE t.uid IS NOT NULL AND t.first_of_message AND m_header[t.msg_no] = '' GROUP BY 1, 2) s
      WHERE b.account_id = s.account_id AND b.hash = s.hash;
    END IF;
    IF cardinality(array_remove(t_keywords, '')) > 0 THEN
      INSERT INTO keyword (account_id, mailbox_id, name)
      SELECT DISTINCT t.account_id, t.mailbox_id, k FROM unnest(v_t) t, unnest(t.keywords) k WHERE t.uid IS NOT NULL
      ON CONFLICT DO NOTHING;
    END IF;

    IF v_one THEN
      v_target := v_t[1];
      v_done := deliver_rows(v_target.account_id, v_target, m_hash[1], m_header_size[1], m_codec[1], m_header[1], m_body[1], m_facts[1],
                             m_facts_version[1], m_text[1], m_text_codec[1], m_text_cut[1], m_keys[1], m_received[1], m_trace[1]);
    ELSE
      WITH t AS MATERIALIZED (
        SELECT t.* FROM unnest(v_t) t WHERE t.uid IS NOT NULL
      ), put_blob AS (
        INSERT INTO blob AS b (account_id, hash, size, header_size, refs, chunks, codec, header, body)
        SELECT s.account_id, s.hash, m_size[s.msg], m_header_size[s.msg], s.count, 2, m_codec[s.msg], m_header[s.msg], m_body[s.msg]
        FROM (SELECT t.account_id, m_hash[t.msg_no] AS hash, min(t.msg_no) AS msg, count(*) AS count FROM t
              WHERE t.first_of_message AND m_header[t.msg_no] <> '' GROUP BY 1, 2) s
        ON CONFLICT (account_id, hash) DO UPDATE SET refs = b.refs + excluded.refs, idle_since = NULL
      ), put_message AS (
        INSERT INTO message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, trace_id,
                             blob_hash, thread_keys, facts)
        SELECT t.account_id, t.message_id, t.thread_id, m_received[t.msg_no], t.modseq, t.size,
               m_facts_version[t.msg_no], m_trace[t.msg_no], m_hash[t.msg_no],
               string_to_array(m_keys[t.msg_no], ' ')::bigint[], m_facts[t.msg_no]
        FROM t WHERE t.first_of_message
      ), put_text AS (
        INSERT INTO text_extract (account_id, message_id, codec, truncated, data)
        SELECT t.account_id, t.message_id, m_text_codec[t.msg_no], m_text_cut[t.msg_no], m_text[t.msg_no]
        FROM t WHERE t.first_of_message AND m_text[t.msg_no] <> ''
      ), put_entry AS (
        INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
        SELECT t.account_id, t.mailbox_id, t.uid, t.modseq, t.message_id, t.thread_id, m_received[t.msg_no], t.size, t.flags, t.keywords
        FROM t
      ), put_thread AS (
        INSERT INTO thread_ref (account_id, key, thread_id)
        SELECT t.account_id, k.key::bigint, t.thread_id
        FROM t, unnest(string_to_array(m_keys[t.msg_no], ' ')) AS k (key) WHERE t.first_of_message
        ON CONFLICT DO NOTHING
      )
      INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
      SELECT t.account_id, t.modseq, t.mailbox_id, 1, int8multirange(int8range(min(t.uid), max(t.uid), '[]')),
             array_agg(t.message_id ORDER BY t.uid)
      FROM t GROUP BY 1, 2, 3;
    END IF;
  END IF;

  IF cardinality(q_id) > 0 THEN
    PERFORM queue.put(v_void, m_call, m_size, m_codec, m_header, m_body, m_trace,
                      q_msg, q_id, q_body, q_sender, q_account, q_expires, q_options,
                      r_queue, r_address, r_domain, r_transport, r_due, r_options);
  END IF;

  IF cardinality(x_call) > 0 THEN
    INSERT INTO trace (trace_id, daemon, event, sender, recipient, account_id, code, detail)
    SELECT x.trace, x.daemon, x.event, x.sender, x.recipient, nullif(x.account, 0), x.code, x.detail::jsonb
    FROM unnest(x_call, x_trace, x_daemon, x_event, x_sender, x_recipient, x_account, x_code, x_detail)
           AS x (call, trace, daemon, event, sender, recipient, account, code, detail)
    WHERE x.call <> ALL (v_void);
  END IF;
  -- In id order, so that two tries of the same calls cannot wait for each other in a ring. A unique violation is an
  -- earlier try that committed a moment ago: the batch fails and its calls are asked again one by one.
  IF v_one AND cardinality(v_void) = 0 THEN
    INSERT INTO delivery (delivery_id, results)
    VALUES (c_id[1], ARRAY[ROW(v_target.no, v_target.outcome, v_target.account_id, v_target.mailbox_id, v_target.uidvalidity, v_target.uid,
                               v_target.modseq, v_target.message_id, v_target.thread_id)::delivery_result]);
  ELSIF NOT v_one THEN
    INSERT INTO delivery (delivery_id, results)
    SELECT c.id, coalesce(r.results, '{}')
    FROM unnest(c_id) WITH ORDINALITY AS c (id, no)
    LEFT JOIN (SELECT t.call_no, array_agg(ROW(t.no, t.outcome, t.account_id, t.mailbox_id, t.uidvalidity, t.uid, t.modseq, t.message_id,
                                               t.thread_id)::delivery_result ORDER BY t.no) AS results
               FROM unnest(v_t) t GROUP BY 1) r ON r.call_no = c.no
    WHERE c.no <> ALL (v_void) ORDER BY c.id;
  END IF;

  RETURN QUERY
  SELECT t.call_no, false, t.no,
         CASE WHEN t.outcome = 0 AND t.uid IS NULL THEN 6::smallint ELSE t.outcome END,
         t.account_id, t.mailbox_id, t.uidvalidity, t.uid, t.modseq, t.message_id, t.thread_id
  FROM unnest(v_t) t WHERE c_id[t.call_no] <> ALL (v_known);
  IF cardinality(v_known) > 0 THEN
    RETURN QUERY
    SELECT c.no::integer, true, coalesce(f.first - 1 + r.position, 0)::integer, coalesce(r.outcome, 0::smallint), r.account_id, r.mailbox_id,
           r.uidvalidity, r.uid, r.modseq, r.message_id, r.thread_id
    FROM unnest(c_id) WITH ORDINALITY AS c (id, no) JOIN delivery d ON d.delivery_id = c.id
    LEFT JOIN LATERAL (SELECT min(t.no) AS first FROM unnest(t_msg) WITH ORDINALITY AS t (msg, no) WHERE m_call[t.msg] = c.no) f ON true
    LEFT JOIN LATERAL unnest(d.results) WITH ORDINALITY
      AS r (target_no, outcome, account_id, mailbox_id, uidvalidity, uid, modseq, message_id, thread_id, position) ON true
    WHERE c.id = ANY (v_known);
  END IF;
END
$$;

DROP FUNCTION mail.make_by_ranges(text, text, text, text);
DROP FUNCTION mail.make_for_partitions(text, text, text, text, text);
DROP FUNCTION mail.make_front(text, text, text, text);
REVOKE ALL ON FUNCTION mail.expunge_v2(bigint, bigint, int8multirange, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.expunge_v2(bigint, bigint, int8multirange, boolean) TO dromos_imapd, dromos_jmapd;
REVOKE ALL ON FUNCTION mail.partition_of(bigint), mail.mailbox_of(bigint, bigint),
  mail.ranges(int8multirange), mail.expunge_from(mail.mailbox, int8multirange, boolean, bigint, bigint) FROM PUBLIC;

-- Read by their partition, too.
DO $$
BEGIN
  FOR i IN 0..31 LOOP
    EXECUTE format('GRANT SELECT ON mail.blob_chunk_p%s TO dromos_imapd, dromos_jmapd', i);
  END LOOP;
END
$$;
