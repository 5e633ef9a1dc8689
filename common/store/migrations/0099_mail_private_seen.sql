-- \Seen of one's own: in a mailbox whose owner asked for it, guests do not see, nor change, which messages the owner has
-- read. Asked for by the annotation /shared/vendor/dromos/private-seen.
SET LOCAL ROLE dromos_owner;

-- n > 0: \Seen is each guest's own since modseq n; -n: everybody's again since then; 0: it never was private. For guests no
-- message has a lower modseq than n: their flags changed then.
ALTER TABLE mail.mailbox ADD COLUMN seen_rule bigint NOT NULL DEFAULT 0;

-- Nothing used the table of 0020. A message is in `changed` of one row of a reader at most: that of the last change of his
-- \Seen; in `seen`, too, if he has it.
DROP TABLE mail.private_seen;
CREATE TABLE mail.private_seen (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  reader_id  bigint NOT NULL REFERENCES mail.account_state ON DELETE CASCADE,
  modseq     bigint NOT NULL,
  changed    int8multirange NOT NULL CHECK (NOT isempty(changed)),
  seen       int8multirange NOT NULL,
  PRIMARY KEY (account_id, mailbox_id, reader_id, modseq),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE,
  CHECK (reader_id <> account_id),
  CHECK (changed @> seen)
);
CREATE INDEX private_seen_reader ON mail.private_seen (reader_id);
REVOKE ALL ON mail.private_seen FROM PUBLIC;
GRANT SELECT ON mail.private_seen TO dromos_imapd;

CREATE FUNCTION mail.seen_rule_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_account bigint := coalesce(NEW.account_id, OLD.account_id);
  v_mailbox bigint := coalesce(NEW.mailbox_id, OLD.mailbox_id);
  v_rule bigint;
  v_private boolean;
  v_modseq bigint;
BEGIN
  v_private := EXISTS (SELECT FROM annotation a WHERE a.account_id = v_account AND a.mailbox_id = v_mailbox AND a.reader_id IS NULL
                       AND a.name = '/shared/vendor/dromos/private-seen');
  SELECT m.seen_rule INTO v_rule FROM mailbox m WHERE m.account_id = v_account AND m.mailbox_id = v_mailbox;
  IF NOT FOUND OR (v_rule > 0) = v_private THEN
    RETURN NULL;
  END IF;
  PERFORM lock_account(v_account);
  PERFORM lock_mailbox(v_account, v_mailbox);
  v_modseq := next_mailbox_modseq(v_account);
  UPDATE mailbox m SET seen_rule = CASE WHEN v_private THEN v_modseq ELSE -v_modseq END, modseq = v_modseq, highestmodseq = v_modseq
  WHERE m.account_id = v_account AND m.mailbox_id = v_mailbox;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind) VALUES (v_account, v_modseq, v_mailbox, 5);
  DELETE FROM private_seen s WHERE s.account_id = v_account AND s.mailbox_id = v_mailbox;
  RETURN NULL;
END
$$;
-- At the end of the transaction: replacing the annotation takes it away first.
CREATE CONSTRAINT TRIGGER seen_rule_set AFTER INSERT ON mail.annotation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.name = '/shared/vendor/dromos/private-seen') EXECUTE FUNCTION mail.seen_rule_follows();
CREATE CONSTRAINT TRIGGER seen_rule_unset AFTER DELETE ON mail.annotation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.name = '/shared/vendor/dromos/private-seen') EXECUTE FUNCTION mail.seen_rule_follows();

-- What goes leaves the sets, whoever takes it away: all log it.
CREATE FUNCTION mail.private_seen_leaves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  DELETE FROM private_seen s WHERE s.account_id = NEW.account_id AND s.mailbox_id = NEW.mailbox_id AND s.changed <@ NEW.uids;
  UPDATE private_seen s SET changed = s.changed - NEW.uids, seen = s.seen - NEW.uids
  WHERE s.account_id = NEW.account_id AND s.mailbox_id = NEW.mailbox_id AND s.changed && NEW.uids;
  RETURN NULL;
END
$$;
CREATE TRIGGER private_seen_leaves AFTER INSERT ON mail.changelog FOR EACH ROW WHEN (NEW.kind = 3)
  EXECUTE FUNCTION mail.private_seen_leaves();

CREATE FUNCTION mail.own_seen(p_account bigint, p_mailbox bigint, p_reader bigint) RETURNS int8multirange LANGUAGE sql STABLE
SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT coalesce(range_agg(s.seen), '{}') FROM private_seen s
  WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader
$$;

-- Sets or clears the reader's \Seen of messages that are there, under the account's lock, with a modseq already given; NULL
-- if nothing changed. Beyond 64 rows the older half becomes one with the latest of their modseqs: too high tells too much,
-- never too little.
CREATE FUNCTION mail.own_seen_in(p_account bigint, p_mailbox bigint, p_reader bigint, p_uids int8multirange, p_seen boolean, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_old int8multirange := own_seen(p_account, p_mailbox, p_reader);
  v_change int8multirange := CASE WHEN p_seen THEN p_uids - v_old ELSE p_uids * v_old END;
  v_middle bigint;
BEGIN
  IF isempty(v_change) THEN
    RETURN NULL;
  END IF;
  DELETE FROM private_seen s
  WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader AND s.changed <@ v_change;
  UPDATE private_seen s SET changed = s.changed - v_change, seen = s.seen - v_change
  WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader AND s.changed && v_change;
  INSERT INTO private_seen AS s (account_id, mailbox_id, reader_id, modseq, changed, seen)
  VALUES (p_account, p_mailbox, p_reader, p_modseq, v_change, CASE WHEN p_seen THEN v_change ELSE '{}' END)
  ON CONFLICT (account_id, mailbox_id, reader_id, modseq) DO UPDATE SET changed = s.changed + excluded.changed, seen = s.seen + excluded.seen;
  IF (SELECT count(*) FROM private_seen s WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader) > 64 THEN
    SELECT s.modseq INTO v_middle FROM private_seen s
    WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader ORDER BY s.modseq OFFSET 31 LIMIT 1;
    WITH old AS (
      DELETE FROM private_seen s
      WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader AND s.modseq < v_middle
      RETURNING s.changed, s.seen)
    UPDATE private_seen s SET changed = s.changed + o.changed, seen = s.seen + o.seen
    FROM (SELECT range_agg(i.changed) AS changed, range_agg(i.seen) AS seen FROM old i) o
    WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader AND s.modseq = v_middle;
  END IF;
  UPDATE mailbox m SET highestmodseq = p_modseq WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
  RETURN v_change;
END
$$;

-- STORE by a guest in a mailbox with \Seen of one's own: p_allowed flags, and keywords if p_keywords_allowed, change as in
-- mail.store_flags_limited_v1 (p_op 0), are added (1) or removed (2); \Seen is p_reader's own. All or none.
CREATE FUNCTION mail.store_flags_own_v1(p_account bigint, p_mailbox bigint, p_reader bigint, p_uids int8multirange, p_op integer,
                                        p_flags integer, p_keywords text, p_unchangedsince bigint, p_allowed integer, p_keywords_allowed boolean)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_state account_state := lock_account(p_account);
  v_box mailbox := lock_mailbox(p_account, p_mailbox);
  v_own integer := CASE WHEN v_box.seen_rule > 0 THEN 1 ELSE 0 END;  -- 0: it has become everybody's meanwhile
  v_allowed integer := p_allowed & ~v_own;
  v_keywords text[] := CASE WHEN p_keywords_allowed THEN keywords_of(p_keywords) ELSE '{}' END;
  v_other text[] := '{}';
  v_there int8multirange;
  v_part int8multirange;
BEGIN
  changed := '{}';
  failed := '{}';
  SELECT coalesce(pack(array_agg(e.uid::bigint ORDER BY e.uid)), '{}'),
         coalesce(pack(array_agg(e.uid::bigint ORDER BY e.uid) FILTER (WHERE greatest(e.modseq, abs(v_box.seen_rule)) > p_unchangedsince)), '{}')
  INTO v_there, failed FROM unnest(p_uids) AS r
  JOIN entry e ON e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(r) AND e.uid < upper(r);
  IF p_unchangedsince IS NOT NULL THEN
    failed := failed + v_there * (SELECT coalesce(range_agg(s.changed), '{}') FROM private_seen s
      WHERE s.account_id = p_account AND s.mailbox_id = p_mailbox AND s.reader_id = p_reader AND s.modseq > p_unchangedsince);
  END IF;
  v_there := v_there - failed;
  IF p_op = 0 AND p_keywords_allowed THEN
    SELECT coalesce(array_agg(k.name ORDER BY k.name), '{}') INTO v_other FROM keyword k
    WHERE k.account_id = p_account AND k.mailbox_id = p_mailbox AND k.name <> ALL (v_keywords);
  END IF;
  IF p_op < 2 AND (p_flags & v_allowed <> 0 OR cardinality(v_keywords) > 0) THEN
    v_part := flags_in(p_account, p_mailbox, v_there, 1, p_flags & v_allowed, v_keywords, NULL, v_state.modseq + 1);
    IF v_part IS NOT NULL THEN
      modseq := next_modseq(p_account, false);
      changed := changed + v_part;
    END IF;
  END IF;
  IF p_op <> 1 THEN
    v_part := flags_in(p_account, p_mailbox, v_there, 2, CASE p_op WHEN 0 THEN v_allowed & ~p_flags ELSE p_flags & v_allowed END,
                       CASE p_op WHEN 0 THEN v_other ELSE v_keywords END, NULL, coalesce(modseq, v_state.modseq) + 1);
    IF v_part IS NOT NULL THEN
      modseq := next_modseq(p_account, false);
      changed := changed + v_part;
    END IF;
  END IF;
  IF v_own = 1 AND p_allowed & 1 = 1 AND (p_op = 0 OR p_flags & 1 = 1) THEN
    v_part := own_seen_in(p_account, p_mailbox, p_reader, v_there, p_op < 2 AND p_flags & 1 = 1, coalesce(modseq, v_state.modseq) + 1);
    IF v_part IS NOT NULL THEN
      -- Nobody else's emails or counts changed.
      UPDATE account_state a SET modseq = a.modseq + 1 WHERE a.account_id = p_account RETURNING a.modseq INTO modseq;
      changed := changed + v_part;
    END IF;
  END IF;
  RETURN NEXT;
END
$$;

-- COPY and MOVE between accounts, or where the reader may not set every flag in the target: only p_flags, and keywords
-- if p_keywords, come along. As mail.transfer_v1 otherwise; modseq is the target's, source_modseq the source's (MOVE). \Seen
-- is what p_reader sees in the source, and becomes what he sees in the target.
CREATE FUNCTION mail.transfer_across_v1(p_delivery uuid, p_from bigint, p_source bigint, p_uids int8multirange,
                                        p_to bigint, p_target bigint, p_move boolean, p_flags integer, p_keywords boolean,
                                        p_reader bigint)
RETURNS TABLE (modseq bigint, uidvalidity bigint, source_uids int8multirange, first_uid bigint, source_modseq bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_summary jsonb;
  v_target mailbox;
  v_modseq bigint;
  v_from_modseq bigint;
  v_uids bigint[];
  v_old uuid[];
  v_new uuid[];
  v_own int8multirange;    -- what the reader has seen in the source, if that is his own
  v_kept integer;          -- \Seen is kept with the target's entries
  v_read bigint[];
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM account_state a WHERE a.account_id IN (p_from, p_to) ORDER BY a.account_id FOR NO KEY UPDATE) s)
     < (CASE WHEN p_from = p_to THEN 1 ELSE 2 END) THEN
    RAISE EXCEPTION 'account has no mail' USING ERRCODE = 'DRNOF';
  END IF;
  SELECT d.summary INTO v_summary FROM delivery d WHERE d.delivery_id = p_delivery;
  IF FOUND THEN
    RETURN QUERY SELECT (v_summary->>'modseq')::bigint, (v_summary->>'uidvalidity')::bigint, (v_summary->>'source')::int8multirange,
                        (v_summary->>'first')::bigint, (v_summary->>'from_modseq')::bigint;
    RETURN;
  END IF;
  PERFORM FROM mailbox m WHERE (m.account_id = p_from AND m.mailbox_id = p_source) OR (m.account_id = p_to AND m.mailbox_id = p_target)
  ORDER BY m.mailbox_id FOR NO KEY UPDATE;
  PERFORM lock_mailbox(p_from, p_source);
  v_target := lock_mailbox(p_to, p_target);
  IF NOT v_target.selectable THEN
    RAISE EXCEPTION 'mailbox % takes no messages', p_target USING ERRCODE = 'DRINV';
  END IF;
  SELECT array_agg(e.uid ORDER BY e.uid), array_agg(e.message_id ORDER BY e.uid), array_agg(uuid7())
  INTO v_uids, v_old, v_new
  FROM unnest(p_uids) AS r JOIN entry e ON e.account_id = p_from AND e.mailbox_id = p_source AND e.uid >= lower(r) AND e.uid < upper(r);
  IF v_uids IS NULL THEN
    RETURN QUERY SELECT NULL::bigint, v_target.uidvalidity::bigint, '{}'::int8multirange, v_target.uidnext::bigint, NULL::bigint;
    RETURN;
  END IF;
  IF p_reader <> p_from AND (SELECT m.seen_rule > 0 FROM mailbox m WHERE m.account_id = p_from AND m.mailbox_id = p_source) THEN
    v_own := own_seen(p_from, p_source, p_reader);
  END IF;
  v_kept := CASE WHEN p_reader <> p_to AND v_target.seen_rule > 0 THEN 0 ELSE 1 END;
  v_modseq := next_modseq(p_to, true);
  PERFORM clone_across(p_from, v_old, p_to, v_new, v_modseq);
  WITH put AS (
    INSERT INTO entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags, keywords)
    SELECT p_to, p_target, v_target.uidnext - 1 + s.no, v_modseq, s.new, m.thread_id, e.received_at, e.size,
           CASE WHEN v_own IS NULL THEN e.flags ELSE (e.flags & ~1) | (v_own @> e.uid::bigint)::integer END & p_flags & (30 + v_kept),
           CASE WHEN p_keywords THEN e.keywords ELSE '{}' END
    FROM unnest(v_uids, v_new) WITH ORDINALITY AS s (uid, new, no)
    JOIN entry e ON e.account_id = p_from AND e.mailbox_id = p_source AND e.uid = s.uid
    JOIN message m ON m.account_id = p_to AND m.message_id = s.new
    RETURNING size, flags
  )
  UPDATE mailbox b SET highestmodseq = v_modseq, uidnext = b.uidnext + n.count, all_count = b.all_count + n.count,
    all_seen = b.all_seen + n.seen, all_bytes = b.all_bytes + n.bytes, live_count = b.live_count + n.live,
    live_seen = b.live_seen + n.live_seen, live_bytes = b.live_bytes + n.live_bytes
  FROM (SELECT count(*), count(*) FILTER (WHERE p.flags & 1 = 1) AS seen, sum(p.size) AS bytes,
               count(*) FILTER (WHERE p.flags & 8 = 0) AS live, count(*) FILTER (WHERE p.flags & 9 = 1) AS live_seen,
               coalesce(sum(p.size) FILTER (WHERE p.flags & 8 = 0), 0) AS live_bytes FROM put p) n
  WHERE b.account_id = p_to AND b.mailbox_id = p_target;
  IF p_keywords THEN
    INSERT INTO keyword (account_id, mailbox_id, name)
    SELECT p_to, p_target, k.name FROM keyword k WHERE k.account_id = p_from AND k.mailbox_id = p_source ON CONFLICT DO NOTHING;
  END IF;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
  VALUES (p_to, v_modseq, p_target, 1, int8multirange(int8range(v_target.uidnext, v_target.uidnext + cardinality(v_uids))), v_new);
  IF v_kept = 0 AND p_flags & 1 = 1 THEN
    SELECT array_agg(v_target.uidnext - 1 + s.no ORDER BY s.no) INTO v_read FROM unnest(v_uids) WITH ORDINALITY AS s (uid, no)
    JOIN entry e ON e.account_id = p_from AND e.mailbox_id = p_source AND e.uid = s.uid
    WHERE CASE WHEN v_own IS NULL THEN e.flags & 1 = 1 ELSE v_own @> e.uid::bigint END;
    IF v_read IS NOT NULL THEN
      PERFORM own_seen_in(p_to, p_target, p_reader, pack(v_read), true, v_modseq);
    END IF;
  END IF;
  IF p_move THEN
    v_from_modseq := CASE WHEN p_from = p_to THEN v_modseq ELSE next_modseq(p_from, true) END;
    PERFORM expunge_in(p_from, p_source, pack(v_uids), false, v_from_modseq);
    IF 'junk' IN ((SELECT m.special_use FROM mailbox m WHERE m.account_id = p_from AND m.mailbox_id = p_source), v_target.special_use) THEN
      PERFORM note_moved(p_to, v_new, (SELECT m.special_use FROM mailbox m WHERE m.account_id = p_from AND m.mailbox_id = p_source),
                         v_target.special_use);
    END IF;
  END IF;
  INSERT INTO delivery (delivery_id, results, summary) VALUES (p_delivery, '{}', jsonb_build_object(
    'modseq', v_modseq, 'uidvalidity', v_target.uidvalidity, 'source', pack(v_uids)::text, 'first', v_target.uidnext,
    'from_modseq', v_from_modseq));
  RETURN QUERY SELECT v_modseq, v_target.uidvalidity::bigint, pack(v_uids), v_target.uidnext::bigint, v_from_modseq;
END
$$;

-- Mailboxes of others on which the reader has any right, and how many of its messages he has seen where \Seen is his own (NULL
-- elsewhere). Who is disabled shares nothing.
CREATE FUNCTION mail.shared_with_v1(p_reader bigint)
RETURNS TABLE (account_id bigint, login text, is_shared boolean, mailbox_id bigint, rights integer, subscribed boolean,
               own_seen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
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
  WHERE s.rights > 0 ORDER BY o.shared, 2, s.mailbox_id
$$;

-- What others hold of an account's mailboxes, and what lies beside its mail: rules that no constraint holds, one row a
-- breach (subscriptions and keys of URLs hang on their mailbox and reader by foreign keys).
CREATE FUNCTION mail.check_sharing(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE sql STABLE
SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT 'grant to no group', a.mailbox_id, format('address %s', a.grantee_group) FROM acl a
  WHERE a.account_id = p_account AND a.grantee_group IS NOT NULL
    AND NOT EXISTS (SELECT FROM directory.address g WHERE g.id = a.grantee_group AND g.kind = 'group')
  UNION ALL
  SELECT 'grant to no account', a.mailbox_id, format('account %s', a.grantee_account) FROM acl a
  WHERE a.account_id = p_account AND a.grantee_account IS NOT NULL
    AND NOT EXISTS (SELECT FROM account_state s WHERE s.account_id = a.grantee_account)
  UNION ALL
  SELECT 'annotation of the server by another', NULL::bigint, format('%s of %s', n.name, n.reader_id) FROM annotation n
  WHERE n.account_id = p_account AND n.mailbox_id IS NULL AND n.reader_id <> p_account
  UNION ALL
  SELECT 'annotation of the server', NULL::bigint, n.name FROM annotation n
  WHERE n.account_id = p_account AND n.mailbox_id IS NULL AND n.reader_id IS NULL
  UNION ALL
  SELECT 'lesson without message', NULL::bigint, l.message_id::text FROM lesson l
  WHERE l.account_id = p_account AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = l.message_id)
  UNION ALL
  SELECT 'private seen of no message', s.mailbox_id, format('reader %s, modseq %s', s.reader_id, s.modseq)
  FROM private_seen s CROSS JOIN unnest(s.changed) r
  WHERE s.account_id = p_account AND upper(r) - lower(r) <> (
    SELECT count(*) FROM entry e WHERE e.account_id = p_account AND e.mailbox_id = s.mailbox_id AND e.uid >= lower(r) AND e.uid < upper(r))
  UNION ALL
  SELECT 'private seen twice', s.mailbox_id, format('reader %s, modseq %s', s.reader_id, s.modseq) FROM private_seen s
  JOIN private_seen o ON o.account_id = p_account AND o.mailbox_id = s.mailbox_id AND o.reader_id = s.reader_id
    AND o.modseq < s.modseq AND o.changed && s.changed
  WHERE s.account_id = p_account
  UNION ALL
  SELECT 'private seen modseq', s.mailbox_id, format('reader %s, modseq %s', s.reader_id, s.modseq) FROM private_seen s
  JOIN mailbox m ON m.account_id = p_account AND m.mailbox_id = s.mailbox_id
  WHERE s.account_id = p_account AND (s.modseq > m.highestmodseq OR m.seen_rule <= 0)
$$;

-- Whose rows these are, they can do nothing with them.
CREATE FUNCTION mail.repair_sharing(p_account bigint) RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
  DELETE FROM acl a WHERE a.account_id = p_account AND (
    (a.grantee_group IS NOT NULL AND NOT EXISTS (SELECT FROM directory.address g WHERE g.id = a.grantee_group AND g.kind = 'group'))
    OR (a.grantee_account IS NOT NULL AND NOT EXISTS (SELECT FROM account_state s WHERE s.account_id = a.grantee_account)));
  DELETE FROM annotation n WHERE n.account_id = p_account AND n.mailbox_id IS NULL AND n.reader_id IS DISTINCT FROM p_account;
  DELETE FROM lesson l WHERE l.account_id = p_account
    AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = l.message_id);
  DELETE FROM private_seen s USING mailbox m
  WHERE s.account_id = p_account AND m.account_id = p_account AND m.mailbox_id = s.mailbox_id AND m.seen_rule <= 0;
  -- One row a reader, of what is there, told anew.
  WITH bad AS (
    SELECT DISTINCT c.mailbox_id FROM check_sharing(p_account) c WHERE c.problem LIKE 'private seen%'
  ), gone AS (
    DELETE FROM private_seen s USING bad b WHERE s.account_id = p_account AND s.mailbox_id = b.mailbox_id
    RETURNING s.mailbox_id, s.reader_id, s.changed, s.seen
  ), whole AS (
    SELECT g.mailbox_id, g.reader_id, range_agg(g.changed) * there.uids AS changed, range_agg(g.seen) * there.uids AS seen
    FROM gone g CROSS JOIN LATERAL (SELECT coalesce(range_agg(int8range(e.uid, e.uid, '[]')), '{}') AS uids FROM entry e
                                    WHERE e.account_id = p_account AND e.mailbox_id = g.mailbox_id) there
    GROUP BY g.mailbox_id, g.reader_id, there.uids
  )
  INSERT INTO private_seen (account_id, mailbox_id, reader_id, modseq, changed, seen)
  SELECT p_account, w.mailbox_id, w.reader_id, m.highestmodseq, w.changed, w.seen
  FROM whole w JOIN mailbox m ON m.account_id = p_account AND m.mailbox_id = w.mailbox_id WHERE NOT isempty(w.changed);
$$;

REVOKE ALL ON FUNCTION mail.check_sharing(bigint), mail.repair_sharing(bigint), mail.seen_rule_follows(), mail.private_seen_leaves(), mail.own_seen(bigint, bigint, bigint),
  mail.own_seen_in(bigint, bigint, bigint, int8multirange, boolean, bigint),
  mail.store_flags_own_v1(bigint, bigint, bigint, int8multirange, integer, integer, text, bigint, integer, boolean),
  mail.transfer_across_v1(uuid, bigint, bigint, int8multirange, bigint, bigint, boolean, integer, boolean, bigint),
  mail.shared_with_v1(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  mail.store_flags_own_v1(bigint, bigint, bigint, int8multirange, integer, integer, text, bigint, integer, boolean),
  mail.transfer_across_v1(uuid, bigint, bigint, int8multirange, bigint, bigint, boolean, integer, boolean, bigint),
  mail.shared_with_v1(bigint) TO dromos_imapd, dromos_jmapd;
