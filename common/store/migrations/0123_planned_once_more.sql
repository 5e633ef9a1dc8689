-- What each search in texts asks first is planned once a session (docs/decisions/0012): plpgsql, and force_custom_plan only
-- where mail.entry is read, for the rare search that follows news. CREATE finds each mailbox above by index.
SET LOCAL ROLE dromos_owner;

CREATE OR REPLACE FUNCTION mail.reindex_mark_v1(p_account bigint) RETURNS bigint LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  RETURN coalesce((SELECT hashtextextended(extract(epoch FROM r.asked_at)::text || ' ' || r.done, 0) FROM reindex r
                   WHERE r.account_id = p_account AND r.done > 0), 0);
END
$$;

-- Where messages are shown.
CREATE FUNCTION mail.shown_at(p_account bigint, p_ids uuid[], OUT mailboxes bigint[], OUT uids bigint[]) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  SELECT array_agg(e.mailbox_id::bigint), array_agg(e.uid::bigint) INTO mailboxes, uids FROM mail.entry e
  WHERE e.account_id = p_account AND e.message_id = ANY (p_ids);
END
$$;
REVOKE ALL ON FUNCTION mail.shown_at(bigint, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION mail.text_news_v1(p_account bigint, p_since bigint, p_most integer)
RETURNS TABLE (mark bigint, written bigint, whole boolean, mailboxes bigint[], uids bigint[]) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_ids uuid[];
BEGIN
  mark := reindex_mark_v1(p_account);
  SELECT coalesce(max(n.written), p_since), array_agg(n.message_id) INTO written, v_ids FROM (
    SELECT t.written, t.message_id FROM attachment_text t WHERE t.account_id = p_account AND t.written > 0 AND t.written > p_since
    ORDER BY t.written DESC LIMIT p_most + 1) n;
  whole := coalesce(cardinality(v_ids), 0) > p_most;
  IF v_ids IS NOT NULL AND NOT whole THEN
    SELECT s.mailboxes, s.uids INTO mailboxes, uids FROM shown_at(p_account, v_ids) s;
  END IF;
  mailboxes := coalesce(mailboxes, '{}');
  uids := coalesce(uids, '{}');
  RETURN NEXT;
END
$$;

-- Walks p_path from the root; returns the id of its last level, making what is missing when p_modseq is not NULL.
-- NULL for an empty path (the root), DRNOF if a level is missing and may not be made. No index serves IS NOT DISTINCT FROM: it
-- went through all names of the account.
CREATE OR REPLACE FUNCTION mail.mailbox_walk(p_account bigint, p_path text[], p_modseq bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_parent bigint;
  v_next bigint;
  v_name text;
BEGIN
  IF cardinality(p_path) > 32 THEN
    RAISE EXCEPTION 'mailbox tree deeper than 32 levels' USING ERRCODE = 'DRINV';
  END IF;
  FOR i IN 1 .. cardinality(p_path) LOOP
    v_name := CASE WHEN i = 1 AND upper(p_path[i]) = 'INBOX' THEN 'INBOX' ELSE p_path[i] END;
    IF v_parent IS NULL THEN
      SELECT m.mailbox_id INTO v_next FROM mailbox m WHERE m.account_id = p_account AND m.parent_id IS NULL AND m.name = v_name;
    ELSE
      SELECT m.mailbox_id INTO v_next FROM mailbox m WHERE m.account_id = p_account AND m.parent_id = v_parent AND m.name = v_name;
    END IF;
    IF v_next IS NULL THEN
      IF p_modseq IS NULL THEN
        RAISE EXCEPTION 'no mailbox "%"', array_to_string(p_path, '/') USING ERRCODE = 'DRNOF';
      END IF;
      v_next := mailbox_insert(p_account, v_parent, v_name, NULL, false, 0, p_modseq);
    END IF;
    v_parent := v_next;
  END LOOP;
  RETURN v_parent;
END
$$;
