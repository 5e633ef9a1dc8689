-- Sharing: who else may do what with a mailbox (RFC 4314), and what readers keep about mailboxes of others.
-- The owner has every right always; no row says so. Rights are bits in the order of the letters "lrswipkxtea".
SET LOCAL ROLE dromos_owner;

CREATE DOMAIN mail.rights AS integer CHECK (VALUE BETWEEN 1 AND 2047);

-- Neither account nor group: everybody whose account is in the owner's domain ("anyone").
CREATE TABLE mail.acl (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  grantee_account bigint REFERENCES directory.account (id) ON DELETE CASCADE,
  grantee_group   bigint REFERENCES directory.address (id) ON DELETE CASCADE,
  negative   boolean NOT NULL,  -- takes these rights away, whoever gives them (RFC 4314 §2)
  rights     mail.rights NOT NULL,
  UNIQUE NULLS NOT DISTINCT (account_id, mailbox_id, grantee_account, grantee_group, negative),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE,
  CHECK (num_nonnulls(grantee_account, grantee_group) <= 1),
  CHECK (grantee_account <> account_id)
);
CREATE INDEX acl_account ON mail.acl (grantee_account) WHERE grantee_account IS NOT NULL;
CREATE INDEX acl_group ON mail.acl (grantee_group) WHERE grantee_group IS NOT NULL;
CREATE INDEX acl_anyone ON mail.acl (account_id) WHERE grantee_account IS NULL AND grantee_group IS NULL;

-- Subscriptions to mailboxes of others; to one's own they are mail.mailbox.subscribed.
CREATE TABLE mail.subscription (
  reader_id  bigint NOT NULL REFERENCES mail.account_state ON DELETE CASCADE,
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  PRIMARY KEY (reader_id, account_id, mailbox_id),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE,
  CHECK (reader_id <> account_id)
);
CREATE INDEX subscription_mailbox ON mail.subscription (account_id, mailbox_id);

-- RFC 4314 §4: a new mailbox inherits the rights of the one above it.
CREATE FUNCTION mail.acl_inherit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  INSERT INTO acl (account_id, mailbox_id, grantee_account, grantee_group, negative, rights)
  SELECT a.account_id, NEW.mailbox_id, a.grantee_account, a.grantee_group, a.negative, a.rights
  FROM acl a WHERE a.account_id = NEW.account_id AND a.mailbox_id = NEW.parent_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER acl_inherit AFTER INSERT ON mail.mailbox FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
  EXECUTE FUNCTION mail.acl_inherit();

CREATE AGGREGATE mail.all_rights (integer) (SFUNC = pg_catalog.int4or, STYPE = integer, INITCOND = '0');

-- The rows that concern a reader, positive and negative.
CREATE FUNCTION mail.acl_for(p_reader bigint) RETURNS SETOF mail.acl LANGUAGE sql STABLE ROWS 20
SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT a.* FROM acl a WHERE a.grantee_account = p_reader
  UNION ALL
  SELECT a.* FROM directory.groups_of_v1(p_reader) g JOIN acl a ON a.grantee_group = g.address_id
  UNION ALL
  SELECT a.* FROM directory.address mine
  JOIN directory.address theirs ON theirs.domain_id = mine.domain_id AND theirs.account_id <> p_reader
  JOIN acl a ON a.account_id = theirs.account_id AND a.grantee_account IS NULL AND a.grantee_group IS NULL
  WHERE mine.account_id = p_reader AND EXISTS (SELECT FROM acl o WHERE o.grantee_account IS NULL AND o.grantee_group IS NULL)
$$;

-- What the reader may do with one mailbox of another.
CREATE FUNCTION mail.rights_v1(p_reader bigint, p_account bigint, p_mailbox bigint) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT coalesce(all_rights(a.rights) FILTER (WHERE NOT a.negative) & ~all_rights(a.rights) FILTER (WHERE a.negative), 0)
  FROM acl a
  WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox
    AND (a.grantee_account = p_reader
      OR a.grantee_group IN (SELECT g.address_id FROM directory.groups_of_v1(p_reader) g)
      OR (num_nonnulls(a.grantee_account, a.grantee_group) = 0 AND EXISTS (
            SELECT FROM directory.address mine JOIN directory.address theirs ON theirs.domain_id = mine.domain_id
            WHERE mine.account_id = p_reader AND theirs.account_id = p_account)))
    AND EXISTS (SELECT FROM directory.account o WHERE o.id = p_account AND o.enabled)
$$;

-- The list of a mailbox; identifiers as SETACL takes them.
CREATE FUNCTION mail.acl_v1(p_account bigint, p_mailbox bigint) RETURNS TABLE (identifier text, rights integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT CASE WHEN a.negative THEN '-' ELSE '' END || CASE
           WHEN l.id IS NOT NULL THEN l.local_part || '@' || ld.name
           WHEN g.id IS NOT NULL THEN 'group:' || g.local_part || '@' || gd.name
           ELSE 'anyone' END, a.rights
  FROM acl a
  LEFT JOIN (directory.address l JOIN directory.domain ld ON ld.id = l.domain_id) ON l.account_id = a.grantee_account
  LEFT JOIN (directory.address g JOIN directory.domain gd ON gd.id = g.domain_id) ON g.id = a.grantee_group
  WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox ORDER BY 1
$$;

-- SETACL and DELETEACL. p_identifier: login, "group:" and address, or "anyone"; with "-" before it what is taken away.
-- p_op 0: these rights; 1: these, too; 2: these no more. 0 rights with p_op 0 removes the identifier. Returns the modseq,
-- NULL if nothing changed. DRNOF: no such mailbox; DRINV: no such identifier, or the owner; DRQUO: too many.
CREATE FUNCTION mail.acl_set_v1(p_account bigint, p_mailbox bigint, p_identifier text, p_op integer, p_rights integer)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_negative boolean := left(p_identifier, 1) = '-';
  v_name text := ltrim(p_identifier, '-');
  v_account bigint;
  v_group bigint;
  v_old integer;
  v_new integer;
  v_modseq bigint;
BEGIN
  IF v_name = 'anyone' THEN
    NULL;
  ELSIF v_name LIKE 'group:%' THEN
    v_name := substr(v_name, 7);
    SELECT a.id INTO v_group FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
    WHERE d.name = lower(directory.domain_of(v_name)) AND a.local_part = directory.fold(directory.local_of(v_name)) AND a.kind = 'group';
  ELSE
    SELECT a.account_id INTO v_account FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
    WHERE d.name = lower(directory.domain_of(v_name)) AND a.local_part = directory.fold(directory.local_of(v_name)) AND a.kind = 'account';
  END IF;
  IF v_name <> 'anyone' AND v_account IS NULL AND v_group IS NULL THEN
    RAISE EXCEPTION 'there is no account or group "%"', left(v_name, 200) USING ERRCODE = 'DRINV';
  END IF;
  IF v_account = p_account THEN
    RAISE EXCEPTION 'the owner has all rights, always' USING ERRCODE = 'DRINV';
  END IF;
  PERFORM lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_mailbox);
  SELECT a.rights INTO v_old FROM acl a WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox
    AND a.grantee_account IS NOT DISTINCT FROM v_account AND a.grantee_group IS NOT DISTINCT FROM v_group AND a.negative = v_negative;
  v_new := CASE p_op WHEN 0 THEN p_rights WHEN 1 THEN coalesce(v_old, 0) | p_rights ELSE coalesce(v_old, 0) & ~p_rights END;
  IF v_new = coalesce(v_old, 0) THEN
    RETURN NULL;
  END IF;
  IF v_old IS NULL AND (SELECT count(*) FROM acl a WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox) >= 1000 THEN
    RAISE EXCEPTION 'at most 1000 identifiers a mailbox' USING ERRCODE = 'DRQUO';
  END IF;
  DELETE FROM acl a WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox
    AND a.grantee_account IS NOT DISTINCT FROM v_account AND a.grantee_group IS NOT DISTINCT FROM v_group AND a.negative = v_negative;
  IF v_new <> 0 THEN
    INSERT INTO acl VALUES (p_account, p_mailbox, v_account, v_group, v_negative, v_new);
  END IF;
  v_modseq := next_mailbox_modseq(p_account);
  UPDATE mailbox m SET modseq = v_modseq, highestmodseq = v_modseq WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind) VALUES (p_account, v_modseq, p_mailbox, 5);
  RETURN v_modseq;
END
$$;

-- SUBSCRIBE and UNSUBSCRIBE of a mailbox of another.
CREATE FUNCTION mail.subscribe_v1(p_reader bigint, p_account bigint, p_mailbox bigint, p_wanted boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF NOT p_wanted THEN
    DELETE FROM subscription s WHERE s.reader_id = p_reader AND s.account_id = p_account AND s.mailbox_id = p_mailbox;
    RETURN;
  END IF;
  INSERT INTO subscription VALUES (p_reader, p_account, p_mailbox) ON CONFLICT DO NOTHING;
EXCEPTION WHEN foreign_key_violation THEN
  RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
END
$$;

-- Messages of a transfer whose bytes are files that the target account does not hold: they have to be staged for it
-- first. At most p_limit hashes.
CREATE FUNCTION mail.transfer_files_v1(p_from bigint, p_source bigint, p_uids int8multirange, p_to bigint, p_limit integer)
RETURNS SETOF bytea LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT DISTINCT b.hash FROM unnest(p_uids) AS r
  JOIN entry e ON e.account_id = p_from AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r)
  JOIN message m ON m.account_id = p_from AND m.message_id = e.message_id
  JOIN blob b ON b.account_id = p_from AND b.hash = m.blob_hash AND b.location IS NOT NULL
  WHERE NOT EXISTS (SELECT FROM blob o WHERE o.account_id = p_to AND o.hash = b.hash) LIMIT p_limit
$$;

-- The messages themselves for another account (or once more for the same): bytes, facts, extracts, threads of its own.
-- Arrays run parallel. Both accounts are locked. DRBLO if bytes lie in a file that p_to does not hold.
CREATE FUNCTION mail.clone_across(p_from bigint, p_old uuid[], p_to bigint, p_new uuid[], p_modseq bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_bytes bigint;
  v_state account_state;
  v_hashes bytea[];
BEGIN
  SELECT array_agg(DISTINCT m.blob_hash) INTO v_hashes
  FROM message m WHERE m.account_id = p_from AND m.message_id = ANY (p_old);
  INSERT INTO blob_chunk (account_id, hash, chunk_no, codec, dict_id, key_id, data)
  SELECT p_to, c.hash, c.chunk_no, c.codec, c.dict_id, c.key_id, c.data
  FROM blob_chunk c WHERE c.account_id = p_from AND c.hash = ANY (v_hashes) ON CONFLICT DO NOTHING;
  INSERT INTO blob (account_id, hash, size, header_size, refs, chunks, codec, dict_id, key_id, header, body)
  SELECT p_to, b.hash, b.size, b.header_size, 0, b.chunks, b.codec, b.dict_id, b.key_id, b.header, b.body
  FROM blob b WHERE b.account_id = p_from AND b.hash = ANY (v_hashes) AND b.location IS NULL ON CONFLICT DO NOTHING;

  -- What is one thread there becomes one thread here: that of any of its keys, or a new one.
  WITH old AS (
    SELECT s.new, m.* FROM unnest(p_old, p_new) AS s (old, new) JOIN message m ON m.account_id = p_from AND m.message_id = s.old
  ), thread AS (
    SELECT o.thread_id AS theirs, coalesce(
      (SELECT r.thread_id FROM thread_ref r WHERE r.account_id = p_to
         AND r.key IN (SELECT k FROM old i, unnest(i.thread_keys) k WHERE i.thread_id = o.thread_id) ORDER BY r.thread_id LIMIT 1),
      (array_agg(o.new ORDER BY o.new))[1]) AS ours
    FROM old o GROUP BY o.thread_id
  ), made AS (
    INSERT INTO message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, trace_id, blob_hash, thread_keys, facts)
    SELECT p_to, o.new, t.ours, o.received_at, p_modseq, o.size, o.facts_version, o.trace_id, o.blob_hash, o.thread_keys, o.facts
    FROM old o JOIN thread t ON t.theirs = o.thread_id
    RETURNING blob_hash, size, thread_id, thread_keys
  ), keys AS (
    INSERT INTO thread_ref (account_id, key, thread_id)
    SELECT DISTINCT ON (k) p_to, k, m.thread_id FROM made m, unnest(m.thread_keys) k ORDER BY k, m.thread_id ON CONFLICT DO NOTHING
  )
  SELECT coalesce(sum(m.size), 0) INTO v_bytes FROM made m;
  UPDATE blob b SET refs = b.refs + h.count, idle_since = NULL
  FROM (SELECT m.blob_hash, count(*) AS count FROM message m WHERE m.account_id = p_to AND m.message_id = ANY (p_new) GROUP BY 1) h
  WHERE b.account_id = p_to AND b.hash = h.blob_hash;
  IF EXISTS (SELECT FROM unnest(v_hashes) h WHERE NOT EXISTS (SELECT FROM blob b WHERE b.account_id = p_to AND b.hash = h)) THEN
    RAISE EXCEPTION 'bytes of a message are not staged' USING ERRCODE = 'DRBLO';
  END IF;
  INSERT INTO text_extract (account_id, message_id, codec, dict_id, key_id, truncated, data)
  SELECT p_to, s.new, t.codec, t.dict_id, t.key_id, t.truncated, t.data
  FROM unnest(p_old, p_new) AS s (old, new) JOIN text_extract t ON t.account_id = p_from AND t.message_id = s.old;
  UPDATE account_state SET used_bytes = used_bytes + v_bytes, used_messages = used_messages + cardinality(p_new)
  WHERE account_id = p_to RETURNING * INTO v_state;
  IF v_state.used_bytes > v_state.quota_bytes OR v_state.used_messages > v_state.quota_messages THEN
    RAISE EXCEPTION 'over quota' USING ERRCODE = 'DRQUO';
  END IF;
END
$$;

-- STORE FLAGS (replace) by a reader who may not set every flag: only p_allowed flags, and keywords if p_keywords_allowed,
-- become what is given. What comes and what goes are two changes in one transaction.
CREATE FUNCTION mail.store_flags_limited_v1(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_flags integer, p_keywords text,
                                            p_unchangedsince bigint, p_allowed integer, p_keywords_allowed boolean)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_state account_state;
  v_keywords text[] := CASE WHEN p_keywords_allowed THEN keywords_of(p_keywords) ELSE '{}' END;
  v_other text[] := '{}';
  v_come int8multirange;
  v_gone int8multirange;
BEGIN
  v_state := lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_mailbox);
  SELECT coalesce(pack(array_agg(e.uid ORDER BY e.uid)), '{}') INTO failed FROM unnest(p_uids) AS r
  JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r)
  WHERE e.modseq > p_unchangedsince;
  IF p_keywords_allowed THEN
    SELECT coalesce(array_agg(k.name ORDER BY k.name), '{}') INTO v_other FROM keyword k
    WHERE k.account_id = p_account AND k.mailbox_id = p_mailbox AND k.name <> ALL (v_keywords);
  END IF;
  v_come := flags_in(p_account, p_mailbox, p_uids - failed, 1, p_flags & p_allowed, v_keywords, NULL, v_state.modseq + 1);
  IF v_come IS NOT NULL THEN
    modseq := next_modseq(p_account, false);
  END IF;
  v_gone := flags_in(p_account, p_mailbox, p_uids - failed, 2, p_allowed & ~p_flags, v_other, NULL,
                     coalesce(modseq, v_state.modseq) + 1);
  IF v_gone IS NOT NULL THEN
    modseq := next_modseq(p_account, false);
  END IF;
  changed := coalesce(v_come, '{}') + coalesce(v_gone, '{}');
  RETURN NEXT;
END
$$;

REVOKE ALL ON mail.acl, mail.subscription FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mail FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.rights_v1(bigint, bigint, bigint), mail.acl_v1(bigint, bigint),
  mail.subscribe_v1(bigint, bigint, bigint, boolean),
  mail.store_flags_limited_v1(bigint, bigint, int8multirange, integer, text, bigint, integer, boolean),
  mail.transfer_files_v1(bigint, bigint, int8multirange, bigint, integer)
  TO dromos_imapd, dromos_jmapd;
GRANT EXECUTE ON FUNCTION mail.acl_v1(bigint, bigint), mail.acl_set_v1(bigint, bigint, text, integer, integer)
  TO dromos_imapd, dromos_jmapd, dromos_admind;
