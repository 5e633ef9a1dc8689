-- Deliveries tell the modseq that they found each mailbox at, so that who holds the mailbox in memory can add what has come instead of
-- reading it (mail.deliver_v2; what was said of deliver_v1 where it was made and changed, 0024, 0113 and 0121, holds).
SET LOCAL ROLE dromos_owner;

ALTER TYPE mail.deliver_target ADD ATTRIBUTE before bigint;

-- In RETURNING a subquery still sees the row as it was.
CREATE OR REPLACE FUNCTION mail.deliver_place(p_target mail.deliver_target, p_keys text) RETURNS mail.deliver_target LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_target mail.deliver_target := p_target;
  v_seen integer := p_target.flags & 1;
  v_live integer := CASE WHEN p_target.flags & 8 = 0 THEN 1 ELSE 0 END;
BEGIN
  UPDATE mail.account_state a SET modseq = a.modseq + 1, email_modseq = a.modseq + 1, mailbox_modseq = a.modseq + 1,
    thread_modseq = a.modseq + 1, used_bytes = a.used_bytes + v_target.size, used_messages = a.used_messages + 1
  WHERE a.account_id = v_target.account_id RETURNING a.modseq INTO v_target.modseq;
  UPDATE mail.mailbox b SET uidnext = b.uidnext + 1, highestmodseq = v_target.modseq,
    all_count = b.all_count + 1, all_seen = b.all_seen + v_seen, all_bytes = b.all_bytes + v_target.size,
    live_count = b.live_count + v_live, live_seen = b.live_seen + v_seen * v_live, live_bytes = b.live_bytes + v_target.size * v_live
  WHERE b.account_id = v_target.account_id AND b.mailbox_id = v_target.mailbox_id
  RETURNING b.uidnext - 1, b.uidvalidity,
    (SELECT o.highestmodseq FROM mail.mailbox o WHERE o.account_id = b.account_id AND o.mailbox_id = b.mailbox_id)
  INTO v_target.uid, v_target.uidvalidity, v_target.before;
  IF p_keys <> '' THEN
    SELECT f.thread_id INTO v_target.thread_id FROM (
        SELECT (SELECT r.thread_id FROM mail.thread_ref r WHERE r.account_id = v_target.account_id AND r.key = k.key::bigint) AS thread_id, k.o
        FROM unnest(string_to_array(p_keys, ' ')) WITH ORDINALITY AS k (key, o)) f
    WHERE f.thread_id IS NOT NULL ORDER BY f.o LIMIT 1;
  END IF;
  v_target.thread_id := coalesce(v_target.thread_id, v_target.message_id);
  RETURN v_target;
END
$$;

CREATE FUNCTION mail.deliver_v2(
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
               uidvalidity bigint, uid bigint, modseq bigint, before bigint, message_id uuid, thread_id uuid)
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
        s.wanted, s.box, s.message, NULL, s.size, s.flags, s.keywords, NULL, NULL, NULL, NULL)::deliver_target ORDER BY s.no),
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
      RETURNING b.account_id, b.mailbox_id, b.uidnext - s.count AS base, b.uidvalidity, b.highestmodseq AS modseq,
        (SELECT o.highestmodseq FROM mailbox o WHERE o.account_id = b.account_id AND o.mailbox_id = b.mailbox_id) AS before
    ), placed AS (
      SELECT l.no, box.base + row_number() OVER (PARTITION BY l.account_id, l.mailbox_id ORDER BY l.no) - 1 AS uid,
             box.uidvalidity, box.modseq, box.before,
             CASE WHEN m_keys[l.msg_no] = '' THEN l.message_id ELSE
               coalesce((SELECT f.thread_id FROM (
                   SELECT (SELECT r.thread_id FROM thread_ref r WHERE r.account_id = l.account_id AND r.key = k.key::bigint) AS thread_id, k.o
                   FROM unnest(string_to_array(m_keys[l.msg_no], ' ')) WITH ORDINALITY AS k (key, o)) f
                 WHERE f.thread_id IS NOT NULL ORDER BY f.o LIMIT 1), l.message_id) END AS thread_id
      FROM live l JOIN box ON box.account_id = l.account_id AND box.mailbox_id = l.mailbox_id
    )
    SELECT array_agg(ROW(t.no, t.call_no, t.msg_no, t.first_of_message, t.outcome, t.account_id, t.mailbox_id, t.message_id,
        p.thread_id, t.size, t.flags, t.keywords, p.uid, p.uidvalidity, p.modseq, p.before)::deliver_target ORDER BY t.no)
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
         t.account_id, t.mailbox_id, t.uidvalidity, t.uid, t.modseq, t.before, t.message_id, t.thread_id
  FROM unnest(v_t) t WHERE c_id[t.call_no] <> ALL (v_known);
  IF cardinality(v_known) > 0 THEN
    RETURN QUERY
    SELECT c.no::integer, true, coalesce(f.first - 1 + r.position, 0)::integer, coalesce(r.outcome, 0::smallint), r.account_id, r.mailbox_id,
           r.uidvalidity, r.uid, r.modseq, NULL::bigint, r.message_id, r.thread_id
    FROM unnest(c_id) WITH ORDINALITY AS c (id, no) JOIN delivery d ON d.delivery_id = c.id
    LEFT JOIN LATERAL (SELECT min(t.no) AS first FROM unnest(t_msg) WITH ORDINALITY AS t (msg, no) WHERE m_call[t.msg] = c.no) f ON true
    LEFT JOIN LATERAL unnest(d.results) WITH ORDINALITY
      AS r (target_no, outcome, account_id, mailbox_id, uidvalidity, uid, modseq, message_id, thread_id, position) ON true
    WHERE c.id = ANY (v_known);
  END IF;
END
$$;

REVOKE ALL ON FUNCTION mail.deliver_v2 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.deliver_v2 TO dromos_mta, dromos_imapd, dromos_jmapd;

-- For append_as_v1, and for daemons that were started before.
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
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT d.call_no, d.earlier, d.target_no, d.outcome, d.account_id, d.mailbox_id, d.uidvalidity, d.uid, d.modseq, d.message_id, d.thread_id
  FROM deliver_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
                  $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48) d
$$;
