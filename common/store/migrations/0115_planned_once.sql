-- What every login, LIST, STORE and EXPUNGE calls is planned once a session instead of once a call: PostgreSQL parses and plans
-- the body of a function of LANGUAGE sql anew each time it cannot be inlined, and those that are SECURITY DEFINER, STRICT or
-- have a SET never are. Only statements on mail.entry, whose partition is known when they run, are planned each time.
-- What was said of each function where it was made holds.
SET LOCAL ROLE dromos_owner;

CREATE OR REPLACE FUNCTION directory.fold(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN octet_length(p_text) = char_length(p_text) THEN lower(p_text COLLATE "C")
              ELSE lower(normalize(p_text, NFC) COLLATE "und-x-icu") COLLATE "C" END;
END
$$;

CREATE OR REPLACE FUNCTION directory.local_of(p_address text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN p_address ~ '@' THEN regexp_replace(p_address, '@[^@]*$', '') ELSE p_address END;
END
$$;

CREATE OR REPLACE FUNCTION directory.domain_of(p_address text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN p_address ~ '@' THEN substring(p_address from '@([^@]*)$') ELSE '' END;
END
$$;

CREATE OR REPLACE FUNCTION directory.auth_lookup_v1(p_login text)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint,
               scram_sha1 boolean, scheme text, hash text,
               sha256_salt bytea, sha256_iterations integer, sha256_stored_key bytea, sha256_server_key bytea,
               sha1_salt bytea, sha1_iterations integer, sha1_stored_key bytea, sha1_server_key bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_local text := directory.fold(directory.local_of(p_login));
  v_domain text := lower(directory.domain_of(p_login) COLLATE "C");
BEGIN
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled AND a.enabled AND d.enabled,
         acc.epoch, d.scram_sha1, c.scheme, c.hash,
         c.sha256_salt, c.sha256_iterations, c.sha256_stored_key, c.sha256_server_key,
         c.sha1_salt, c.sha1_iterations, c.sha1_stored_key, c.sha1_server_key
    INTO account_id, login, display_name, enabled, epoch, scram_sha1, scheme, hash,
         sha256_salt, sha256_iterations, sha256_stored_key, sha256_server_key,
         sha1_salt, sha1_iterations, sha1_stored_key, sha1_server_key
    FROM directory.domain d
    JOIN directory.address a ON a.domain_id = d.id AND a.local_part = v_local
    JOIN directory.account acc ON acc.id = a.account_id AND NOT acc.shared
    LEFT JOIN directory.credential c ON c.account_id = acc.id
   WHERE d.name = v_domain;
  IF FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION directory.account_by_id_v1(p_account bigint)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint, quota_bytes bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
BEGIN
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled AND a.enabled AND d.enabled, acc.epoch, acc.quota_bytes
    INTO account_id, login, display_name, enabled, epoch, quota_bytes
    FROM directory.account acc JOIN directory.address a ON a.account_id = acc.id
    JOIN directory.domain d ON d.id = a.domain_id WHERE acc.id = p_account;
  IF FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION directory.account_by_login_v1(p_login text)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint, quota_bytes bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_local text := directory.fold(directory.local_of(p_login));
  v_domain text := lower(directory.domain_of(p_login) COLLATE "C");
BEGIN
  RETURN QUERY
  SELECT b.* FROM directory.domain d
    JOIN directory.address a ON a.domain_id = d.id AND a.local_part = v_local
   CROSS JOIN LATERAL directory.account_by_id_v1(a.account_id) b
   WHERE d.name = v_domain;
END
$$;

CREATE OR REPLACE FUNCTION directory.account_active(p_account bigint) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM directory.account acc JOIN directory.address a ON a.account_id = acc.id
                 JOIN directory.domain d ON d.id = a.domain_id
                 WHERE acc.id = p_account AND acc.enabled AND a.enabled AND d.enabled);
END
$$;

CREATE OR REPLACE FUNCTION directory.may_send_as_v1(p_account bigint, p_local text, p_domain text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
BEGIN
  RETURN (
    WITH RECURSIVE down (id, depth) AS (
      SELECT f.address_id, 0 FROM directory.find_address(p_local, p_domain) f
       WHERE f.address_id IS NOT NULL AND f.domain_enabled
      UNION
      SELECT coalesce(t.target_id, g.address_id), down.depth + 1
        FROM down JOIN directory.address a ON a.id = down.id AND a.send_as AND a.enabled AND a.kind <> 'account'
        JOIN directory.address_target t ON t.address_id = a.id
        LEFT JOIN LATERAL directory.find_address(directory.local_of(t.target), directory.domain_of(t.target)) g
               ON t.target IS NOT NULL
       WHERE down.depth < 10 AND coalesce(t.target_id, g.address_id) IS NOT NULL
    )
    SELECT EXISTS (SELECT FROM (SELECT id FROM down LIMIT 10000) r JOIN directory.address a ON a.id = r.id
                    WHERE a.account_id = p_account AND a.enabled));
END
$$;

CREATE OR REPLACE FUNCTION mail.quota_v1(p_account bigint)
RETURNS TABLE (used_bytes bigint, used_messages bigint, mailboxes bigint,
               quota_bytes bigint, quota_messages bigint, quota_mailboxes bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT a.used_bytes::bigint, a.used_messages::bigint, (SELECT count(*) FROM mailbox m WHERE m.account_id = a.account_id),
         a.quota_bytes::bigint, a.quota_messages::bigint, a.quota_mailboxes::bigint
  FROM account_state a WHERE a.account_id = p_account;
END
$$;

CREATE OR REPLACE FUNCTION mail.blob_chunk_v1(p_account bigint, p_hash bytea, p_no integer, p_codec integer, p_data bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  INSERT INTO blob_chunk (account_id, hash, chunk_no, codec, data) VALUES (p_account, p_hash, p_no, p_codec, p_data)
  ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION queue.body_chunk_v1(p_body uuid, p_no integer, p_codec integer, p_data bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
BEGIN
  INSERT INTO body_chunk (body_id, chunk_no, codec, data) VALUES (p_body, p_no, p_codec, p_data) ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION directory.groups_of_v1(p_account bigint) RETURNS TABLE (address_id bigint, address text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM directory.address a JOIN directory.address_target t ON t.target_id = a.id WHERE a.account_id = p_account) THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH RECURSIVE up (id) AS (
    SELECT a.id FROM directory.address a WHERE a.account_id = p_account
    UNION
    SELECT t.address_id FROM up JOIN directory.address_target t ON t.target_id = up.id
      JOIN directory.address g ON g.id = t.address_id AND g.kind IN ('group', 'alias')
  )
  SELECT a.id, a.local_part || '@' || d.name FROM up
    JOIN directory.address a ON a.id = up.id AND a.kind = 'group'
    JOIN directory.domain d ON d.id = a.domain_id ORDER BY a.id LIMIT 1000;
END
$$;

CREATE OR REPLACE FUNCTION mail.acl_for(p_reader bigint) RETURNS SETOF mail.acl LANGUAGE plpgsql STABLE ROWS 20 AS $$
BEGIN
  RETURN QUERY SELECT a.* FROM mail.acl a WHERE a.grantee_account = p_reader;
  IF EXISTS (SELECT FROM mail.acl a WHERE a.grantee_group IS NOT NULL) THEN
    RETURN QUERY SELECT a.* FROM directory.groups_of_v1(p_reader) g JOIN mail.acl a ON a.grantee_group = g.address_id;
  END IF;
  IF EXISTS (SELECT FROM mail.acl a WHERE a.grantee_account IS NULL AND a.grantee_group IS NULL) THEN
    RETURN QUERY
    SELECT a.* FROM directory.address mine
    JOIN directory.address theirs ON theirs.domain_id = mine.domain_id AND theirs.account_id <> p_reader
    JOIN mail.acl a ON a.account_id = theirs.account_id AND a.grantee_account IS NULL AND a.grantee_group IS NULL
    WHERE mine.account_id = p_reader;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION mail.shared_with_v1(p_reader bigint)
RETURNS TABLE (account_id bigint, login text, is_shared boolean, mailbox_id bigint, rights integer, subscribed boolean,
               own_seen bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM acl_for(p_reader) a WHERE a.account_id <> p_reader) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT s.account_id, l.local_part || '@' || d.name, o.shared, s.mailbox_id, s.rights,
         EXISTS (SELECT FROM subscription u WHERE u.reader_id = p_reader AND u.account_id = s.account_id AND u.mailbox_id = s.mailbox_id),
         CASE WHEN m.seen_rule > 0 THEN (
           SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM private_seen p, unnest(p.seen) r
           WHERE p.account_id = s.account_id AND p.mailbox_id = s.mailbox_id AND p.reader_id = p_reader) END
  FROM (
    SELECT a.account_id, a.mailbox_id,
           all_rights(a.rights) FILTER (WHERE NOT a.negative) & ~all_rights(a.rights) FILTER (WHERE a.negative) AS rights
    FROM acl_for(p_reader) a WHERE a.account_id <> p_reader GROUP BY 1, 2) s
  JOIN mailbox m ON m.account_id = s.account_id AND m.mailbox_id = s.mailbox_id
  JOIN directory.account o ON o.id = s.account_id AND o.enabled
  JOIN directory.address l ON l.account_id = s.account_id AND l.enabled
  JOIN directory.domain d ON d.id = l.domain_id AND d.enabled
  WHERE s.rights > 0 ORDER BY o.shared, 2, s.mailbox_id;
END
$$;

CREATE OR REPLACE FUNCTION mail.rights_v1(p_reader bigint, p_account bigint, p_mailbox bigint) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  RETURN (
    SELECT coalesce(all_rights(a.rights) FILTER (WHERE NOT a.negative) & ~all_rights(a.rights) FILTER (WHERE a.negative), 0)
    FROM acl a
    WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox
      AND (a.grantee_account = p_reader
        OR a.grantee_group IN (SELECT g.address_id FROM directory.groups_of_v1(p_reader) g)
        OR (num_nonnulls(a.grantee_account, a.grantee_group) = 0 AND EXISTS (
              SELECT FROM directory.address mine JOIN directory.address theirs ON theirs.domain_id = mine.domain_id
              WHERE mine.account_id = p_reader AND theirs.account_id = p_account)))
      AND directory.account_active(p_account));
END
$$;

CREATE OR REPLACE FUNCTION mail.lock_account(p_account bigint) RETURNS mail.account_state LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_state mail.account_state;
BEGIN
  SELECT a.* INTO v_state FROM mail.account_state a WHERE a.account_id = p_account FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % has no mail', p_account USING ERRCODE = 'DRNOF';
  END IF;
  RETURN v_state;
END
$$;

CREATE OR REPLACE FUNCTION mail.lock_mailbox(p_account bigint, p_mailbox bigint) RETURNS mail.mailbox LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_mailbox mail.mailbox;
BEGIN
  SELECT m.* INTO v_mailbox FROM mail.mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
  END IF;
  RETURN v_mailbox;
END
$$;

CREATE OR REPLACE FUNCTION mail.next_modseq(p_account bigint, p_thread boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_modseq bigint;
BEGIN
  UPDATE mail.account_state a SET modseq = a.modseq + 1, email_modseq = a.modseq + 1, mailbox_modseq = a.modseq + 1,
    thread_modseq = CASE WHEN p_thread THEN a.modseq + 1 ELSE a.thread_modseq END
  WHERE a.account_id = p_account RETURNING a.modseq INTO v_modseq;
  RETURN v_modseq;
END
$$;

CREATE OR REPLACE FUNCTION mail.next_mailbox_modseq(p_account bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_modseq bigint;
BEGIN
  UPDATE mail.account_state a SET modseq = a.modseq + 1, mailbox_modseq = a.modseq + 1
  WHERE a.account_id = p_account RETURNING a.modseq INTO v_modseq;
  RETURN v_modseq;
END
$$;

CREATE OR REPLACE FUNCTION mail.keywords_of(p_list text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_list = '' THEN
    RETURN '{}';
  END IF;
  RETURN (SELECT coalesce(array_agg(DISTINCT k COLLATE "C" ORDER BY k COLLATE "C"), '{}')
          FROM unnest(string_to_array(lower(p_list COLLATE "C"), ' ')) AS k WHERE k <> '');
END
$$;

CREATE OR REPLACE FUNCTION mail.keywords_apply(p_op integer, p_old text[], p_change text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_op = 0 THEN
    RETURN p_change;
  ELSIF p_op = 1 THEN
    RETURN (SELECT coalesce(array_agg(DISTINCT k COLLATE "C" ORDER BY k COLLATE "C"), '{}') FROM unnest(p_old || p_change) k);
  END IF;
  RETURN (SELECT coalesce(array_agg(k ORDER BY k COLLATE "C"), '{}') FROM unnest(p_old) k WHERE k <> ALL (p_change));
END
$$;

CREATE OR REPLACE FUNCTION mail.pack(p_uids bigint[]) RETURNS int8multirange LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_uids[cardinality(p_uids)] - p_uids[1] + 1 = cardinality(p_uids) THEN
    RETURN int8multirange(int8range(p_uids[1], p_uids[cardinality(p_uids)], '[]'));
  END IF;
  RETURN (SELECT coalesce(range_agg(int8range(s.lo, s.hi, '[]')), '{}'::int8multirange)
          FROM (SELECT min(u.uid) AS lo, max(u.uid) AS hi FROM unnest(p_uids) WITH ORDINALITY AS u (uid, no) GROUP BY u.uid - u.no) s);
END
$$;

-- What STORE did to the rows of mail.entry: uids ascending, and what that adds to the mailbox's counts.
CREATE TYPE mail.flags_done AS (uids bigint[], ids uuid[], seen bigint, live bigint, live_seen bigint, live_bytes bigint);

CREATE FUNCTION mail.flags_rows(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS mail.flags_done LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
DECLARE
  v mail.flags_done;
  v_count bigint;
  v_count_9 bigint;  -- of those changed: have the other one of \Seen and \Deleted (counted where one of them is what changes)
  v_bytes bigint;
  v_pack int8multirange;
BEGIN
  IF p_op <> 0 AND cardinality(p_keywords) = 0 AND p_flags IN (1, 2, 4, 8, 16) THEN
    -- One flag comes or goes: what a row was before follows from what it is, and one pass does it.
    WITH changed AS (
      UPDATE mail.entry e SET flags = e.flags # p_flags, modseq = p_modseq FROM unnest(p_uids) AS r
      WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
        AND (e.flags & p_flags = 0) = (p_op = 1) AND (p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
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
  SELECT array_agg(s.uid), array_agg(s.message_id), sum((s.new & 1) - (s.old & 1)), sum(((s.old & 8) - (s.new & 8)) / 8),
         sum((s.new & 9 = 1)::integer - (s.old & 9 = 1)::integer), sum(s.size * (((s.old & 8) - (s.new & 8)) / 8))
  INTO v.uids, v.ids, v.seen, v.live, v.live_seen, v.live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags AS old,
           CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END AS new
    FROM unnest(p_uids) AS r
    JOIN mail.entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE (p_unchangedsince IS NULL OR e.modseq <= p_unchangedsince)
      AND CASE p_op WHEN 0 THEN e.flags <> p_flags OR e.keywords <> p_keywords
                    WHEN 1 THEN e.flags & p_flags <> p_flags OR NOT e.keywords @> p_keywords
                    ELSE e.flags & p_flags <> 0 OR e.keywords && p_keywords END
    ORDER BY e.uid) s;
  IF v.uids IS NOT NULL THEN
    v_pack := mail.pack(v.uids);
    UPDATE mail.entry e SET flags = CASE p_op WHEN 0 THEN p_flags WHEN 1 THEN e.flags | p_flags ELSE e.flags & ~p_flags END,
      keywords = CASE WHEN p_op = 0 THEN p_keywords WHEN cardinality(p_keywords) = 0 THEN e.keywords
                      ELSE mail.keywords_apply(p_op, e.keywords, p_keywords) END, modseq = p_modseq
    FROM unnest(v_pack) AS r
    WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  END IF;
  RETURN v;
END
$$;

CREATE OR REPLACE FUNCTION mail.flags_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                         p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v mail.flags_done := mail.flags_rows(p_account, p_mailbox, p_uids, p_op, p_flags, p_keywords, p_unchangedsince, p_modseq);
  v_pack int8multirange;
BEGIN
  IF v.uids IS NULL THEN
    RETURN NULL;
  END IF;
  v_pack := mail.pack(v.uids);
  IF p_op < 2 AND cardinality(p_keywords) > 0 THEN
    INSERT INTO mail.keyword (account_id, mailbox_id, name) SELECT p_account, p_mailbox, k FROM unnest(p_keywords) k
    ON CONFLICT DO NOTHING;
  END IF;
  UPDATE mail.mailbox m SET highestmodseq = p_modseq, all_seen = m.all_seen + v.seen, live_count = m.live_count + v.live,
    live_seen = m.live_seen + v.live_seen, live_bytes = m.live_bytes + v.live_bytes
  WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_modseq, p_mailbox, 2, v_pack, v.ids);
  RETURN v_pack;
END
$$;

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
  before := (lock_mailbox(p_account, p_mailbox)).highestmodseq;
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

-- Those of the uids whose flags are newer.
CREATE FUNCTION mail.changed_after(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN (SELECT mail.pack(array_agg(e.uid ORDER BY e.uid)) FROM unnest(p_uids) AS r
          JOIN mail.entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
          WHERE e.modseq > p_modseq);
END
$$;

-- What EXPUNGE took from mail.entry: uids ascending, their sums by the names of the mailbox's counts, and how many messages
-- of how many bytes are in no mailbox any more.
CREATE TYPE mail.expunge_done AS (uids bigint[], ids uuid[], all_count bigint, all_seen bigint, all_bytes bigint,
  live_count bigint, live_seen bigint, live_bytes bigint, gone bigint, gone_bytes bigint);

-- Few at once: one statement. Many: what it returns would go through files.
CREATE FUNCTION mail.expunge_few(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS mail.expunge_done LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v mail.expunge_done;
BEGIN
  WITH taken AS (
    DELETE FROM mail.entry e USING unnest(p_uids) AS r
    WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
      AND (NOT p_deleted_only OR e.flags & 8 = 8)
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
    SELECT t.*, NOT EXISTS (SELECT FROM mail.entry e
                            WHERE e.account_id = p_account AND e.message_id = t.message_id AND e.mailbox_id <> p_mailbox) AS gone
    FROM taken t ORDER BY t.uid) s;
  RETURN v;
END
$$;

CREATE FUNCTION mail.expunge_many(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS mail.expunge_done LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
DECLARE
  v mail.expunge_done;
  v_sizes bigint[];
  v_pack int8multirange;
  v_single boolean;
BEGIN
  SELECT array_agg(s.uid), array_agg(s.message_id), array_agg(s.size), count(*), sum(s.size),
         count(*) FILTER (WHERE s.flags & 1 = 1), count(*) FILTER (WHERE s.flags & 8 = 0),
         count(*) FILTER (WHERE s.flags & 9 = 1), coalesce(sum(s.size) FILTER (WHERE s.flags & 8 = 0), 0)
  INTO v.uids, v.ids, v_sizes, v.all_count, v.all_bytes, v.all_seen, v.live_count, v.live_seen, v.live_bytes
  FROM (
    SELECT e.uid, e.message_id, e.size, e.flags FROM unnest(p_uids) AS r
    JOIN mail.entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
    WHERE NOT p_deleted_only OR e.flags & 8 = 8 ORDER BY e.uid) s;
  IF v.uids IS NULL THEN
    RETURN v;
  END IF;
  -- If each message has one entry, all that leave are gone and need not be looked for.
  SELECT a.used_messages = (SELECT sum(m.all_count) FROM mail.mailbox m WHERE m.account_id = p_account) INTO v_single
  FROM mail.account_state a WHERE a.account_id = p_account;
  v_pack := mail.pack(v.uids);
  INSERT INTO mail.expunged (account_id, mailbox_id, uid, modseq, message_id, received_at, flags, keywords)
  SELECT p_account, p_mailbox, e.uid, p_modseq, e.message_id, e.received_at, e.flags, e.keywords
  FROM unnest(v_pack) AS r
  JOIN mail.entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  DELETE FROM mail.entry e USING unnest(v_pack) AS r
  WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  IF v_single THEN
    v.gone := v.all_count;
    v.gone_bytes := v.all_bytes;
  ELSE
    SELECT count(*), coalesce(sum(s.size), 0) INTO v.gone, v.gone_bytes FROM unnest(v.ids, v_sizes) AS s (id, size)
    WHERE NOT EXISTS (SELECT FROM mail.entry e WHERE e.account_id = p_account AND e.message_id = s.id);
  END IF;
  RETURN v;
END
$$;

CREATE OR REPLACE FUNCTION mail.expunge_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v mail.expunge_done;
  v_deleted bigint;
  v_pack int8multirange;
BEGIN
  IF p_deleted_only THEN
    SELECT m.all_count - m.live_count INTO v_deleted FROM mail.mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
    IF v_deleted = 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  -- NULL: from a first uid on, how many nobody knows.
  IF least(v_deleted, (SELECT CASE WHEN bool_or(upper_inf(r)) THEN NULL ELSE sum(upper(r) - lower(r)) END FROM unnest(p_uids) r)) <= 1000 THEN
    v := mail.expunge_few(p_account, p_mailbox, p_uids, p_deleted_only, p_modseq);
  ELSE
    v := mail.expunge_many(p_account, p_mailbox, p_uids, p_deleted_only, p_modseq);
  END IF;
  IF v.uids IS NULL THEN
    RETURN NULL;
  END IF;
  v_pack := mail.pack(v.uids);
  UPDATE mail.account_state a SET used_bytes = a.used_bytes - v.gone_bytes, used_messages = a.used_messages - v.gone,
    expunged_since = least(coalesce(a.expunged_since, now()), now())
  WHERE a.account_id = p_account;
  UPDATE mail.mailbox m SET highestmodseq = p_modseq, all_count = m.all_count - v.all_count, all_seen = m.all_seen - v.all_seen,
    all_bytes = m.all_bytes - v.all_bytes, live_count = m.live_count - v.live_count,
    live_seen = m.live_seen - v.live_seen, live_bytes = m.live_bytes - v.live_bytes
  WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_account, p_modseq, p_mailbox, 3, v_pack, v.ids);
  RETURN v_pack;
END
$$;

CREATE OR REPLACE FUNCTION mail.expunge_v1(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_deleted_only boolean)
RETURNS TABLE (modseq bigint, uids int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_state account_state;
BEGIN
  -- Most often there is nothing to do, which needs no lock: who was told of his STORE is in what is read here.
  IF p_deleted_only AND (SELECT m.all_count = m.live_count FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox) THEN
    uids := '{}';
    RETURN NEXT;
    RETURN;
  END IF;
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

REVOKE ALL ON FUNCTION mail.flags_rows(bigint, bigint, int8multirange, integer, integer, text[], bigint, bigint),
  mail.changed_after(bigint, bigint, int8multirange, bigint),
  mail.expunge_few(bigint, bigint, int8multirange, boolean, bigint),
  mail.expunge_many(bigint, bigint, int8multirange, boolean, bigint) FROM PUBLIC;
