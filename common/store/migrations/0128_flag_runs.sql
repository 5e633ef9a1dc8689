-- STORE of one change to many messages is written as one row, a run, and comes into the entries behind it: PostgreSQL takes 1.5 us to
-- update each of 100,000 rows, which the client need not wait for (docs/decisions/0015).
--
-- A run holds for those of its uids whose entry has a lower modseq; an entry that was written since has the run in it. A mailbox has one
-- run at most. Whoever writes entries, or takes from their flags, brings the run into them first (mail.fold_flags); who reads them applies
-- it (mail.entry_now, common/store/entries.cpp).
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.flag_run (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  modseq     bigint NOT NULL,
  uids       int8multirange NOT NULL,
  keep       mail.flags NOT NULL,  -- flags & keep | put
  put        mail.flags NOT NULL,
  PRIMARY KEY (account_id, mailbox_id),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE
) WITH (fillfactor = 50);
GRANT SELECT ON mail.flag_run TO dromos_imapd, dromos_jmapd;

CREATE VIEW mail.entry_now AS
SELECT e.account_id, e.mailbox_id, e.uid, CASE WHEN e.modseq < f.modseq AND e.uid::bigint <@ f.uids THEN f.modseq ELSE e.modseq END AS modseq,
       e.message_id, e.thread_id, e.received_at, e.saved_at, e.size,
       CASE WHEN e.modseq < f.modseq AND e.uid::bigint <@ f.uids THEN (e.flags & f.keep) | f.put ELSE e.flags END AS flags, e.keywords
FROM mail.entry e LEFT JOIN mail.flag_run f ON f.account_id = e.account_id AND f.mailbox_id = e.mailbox_id;

-- From this many messages on. (Tests make it 1.)
CREATE FUNCTION mail.flag_run_least() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 4096::bigint';

CREATE FUNCTION mail.fold_rows(p_run mail.flag_run, p_uids int8multirange) RETURNS void LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF p_uids = int8multirange(range_merge(p_uids)) THEN
    UPDATE mail.entry e SET flags = (e.flags & p_run.keep) | p_run.put, modseq = p_run.modseq
    WHERE e.account_id = p_run.account_id AND e.mailbox_id = p_run.mailbox_id AND e.uid >= lower(p_uids) AND e.uid < upper(p_uids)
      AND e.modseq < p_run.modseq;
  ELSE
    UPDATE mail.entry e SET flags = (e.flags & p_run.keep) | p_run.put, modseq = p_run.modseq FROM mail.ranges(p_uids) AS r
    WHERE e.account_id = p_run.account_id AND e.mailbox_id = p_run.mailbox_id AND e.uid >= lower(r) AND e.uid < upper(r)
      AND e.modseq < p_run.modseq;
  END IF;
END
$$;

-- The caller has locked the account, as for all that writes entries.
CREATE FUNCTION mail.fold_flags(p_account bigint, p_mailbox bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run mail.flag_run;
BEGIN
  SELECT f.* INTO v_run FROM mail.flag_run f WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  IF FOUND THEN
    PERFORM mail.fold_rows(v_run, v_run.uids);
    DELETE FROM mail.flag_run f WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  END IF;
END
$$;

-- In the background: at most p_limit entries. Whether there is more.
CREATE FUNCTION mail.fold_flags_v1(p_account bigint, p_mailbox bigint, p_limit integer) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_run flag_run;
  v_last bigint;
  v_rest int8multirange;
BEGIN
  PERFORM lock_account(p_account);
  SELECT f.* INTO v_run FROM flag_run f WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  SELECT max(s.uid) INTO v_last FROM (
    SELECT e.uid::bigint FROM entry e WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(v_run.uids)
    ORDER BY e.uid LIMIT p_limit) s;
  v_rest := v_run.uids * int8multirange(int8range(coalesce(v_last, upper(v_run.uids)), NULL, '()'));
  PERFORM fold_rows(v_run, v_run.uids - v_rest);
  IF isempty(v_rest) THEN
    DELETE FROM flag_run f WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  ELSE
    UPDATE flag_run f SET uids = v_rest WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  END IF;
  RETURN NOT isempty(v_rest);
END
$$;

CREATE FUNCTION mail.flag_runs_v1(p_limit integer) RETURNS TABLE (account_id bigint, mailbox_id bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT f.account_id, f.mailbox_id FROM flag_run f ORDER BY f.modseq LIMIT p_limit
$$;

-- What a change would do (mail.flags_done, with the uids as a set). All between the first and the last uid is read, so they should not lie
-- far apart.
CREATE TYPE mail.flags_found AS (uids int8multirange, ids uuid[], seen bigint, live bigint, live_seen bigint, live_bytes bigint);

CREATE FUNCTION mail.flags_find(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer)
RETURNS mail.flags_found LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' AS $$
DECLARE
  v_run mail.flag_run;
  v mail.flags_found;
  v_uids bigint[];
  v_first bigint;
  v_last bigint;
  v_hull int8range := range_merge(p_uids);
  v_inner int8multirange := CASE WHEN p_uids = int8multirange(v_hull) THEN NULL ELSE p_uids END;
  v_sign integer := 3 - 2 * p_op;
BEGIN
  SELECT f.* INTO v_run FROM mail.flag_run f WHERE f.account_id = p_account AND f.mailbox_id = p_mailbox;
  SELECT array_agg(s.uid), min(s.uid), max(s.uid), array_agg(s.message_id),
         v_sign * count(*) FILTER (WHERE s.comes & 1 = 1), - v_sign * count(*) FILTER (WHERE s.comes & 8 = 8),
         coalesce(- v_sign * sum(s.size) FILTER (WHERE s.comes & 8 = 8), 0),
         coalesce(sum((s.flags # s.comes & 9 = 1)::integer - (s.flags & 9 = 1)::integer) FILTER (WHERE s.comes & 9 <> 0), 0)
  INTO v_uids, v_first, v_last, v.ids, v.seen, v.live, v.live_bytes, v.live_seen
  FROM (
    SELECT i.uid, i.message_id, i.size, i.flags, CASE p_op WHEN 1 THEN ~i.flags & p_flags ELSE i.flags & p_flags END AS comes
    FROM (
      SELECT e.uid::bigint AS uid, e.message_id, e.size::bigint AS size,
             CASE WHEN e.modseq < v_run.modseq AND e.uid::bigint <@ v_run.uids THEN (e.flags & v_run.keep) | v_run.put ELSE e.flags END AS flags
      FROM mail.entry e
      WHERE e.account_id = p_account AND e.mailbox_id = p_mailbox AND e.uid >= lower(v_hull) AND e.uid < upper(v_hull)
        AND (v_inner IS NULL OR e.uid::bigint <@ v_inner)) i
    WHERE i.flags & p_flags <> CASE p_op WHEN 1 THEN p_flags ELSE 0 END) s;
  IF v_uids IS NOT NULL THEN
    -- Most often a whole mailbox: then the order they came in does not matter.
    v.uids := CASE WHEN v_last - v_first + 1 = cardinality(v_uids) THEN int8multirange(int8range(v_first, v_last, '[]'))
                   ELSE mail.pack(ARRAY(SELECT u FROM unnest(v_uids) u ORDER BY u)) END;
  END IF;
  RETURN v;
END
$$;

-- A run in place of the one before it, if that stands in it; else that one is brought into the entries.
CREATE FUNCTION mail.flag_run_put(p_run mail.flag_run) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_old mail.flag_run;
  v_new mail.flag_run := p_run;
BEGIN
  SELECT f.* INTO v_old FROM mail.flag_run f WHERE f.account_id = p_run.account_id AND f.mailbox_id = p_run.mailbox_id;
  IF FOUND THEN
    IF v_old.uids = p_run.uids THEN
      v_new.keep := v_old.keep & p_run.keep;
      v_new.put := (v_old.put & p_run.keep) | p_run.put;
    ELSIF NOT (v_old.uids <@ p_run.uids AND ((31 & ~v_old.keep) | v_old.put) & p_run.keep & ~p_run.put = 0) THEN
      PERFORM mail.fold_flags(p_run.account_id, p_run.mailbox_id);
    END IF;
  END IF;
  INSERT INTO mail.flag_run SELECT v_new.*
  ON CONFLICT (account_id, mailbox_id) DO UPDATE SET modseq = excluded.modseq, uids = excluded.uids, keep = excluded.keep, put = excluded.put;
END
$$;

CREATE FUNCTION mail.store_flags_v3(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                    p_keywords text, p_unchangedsince bigint)
RETURNS TABLE (modseq bigint, changed int8multirange, failed int8multirange, before bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_modseq bigint;
  v flags_found;
BEGIN
  IF p_op NOT BETWEEN 0 AND 2 THEN
    RAISE EXCEPTION 'unknown flag operation' USING ERRCODE = 'DRINV';
  END IF;
  v_modseq := (lock_account(p_account)).modseq + 1;
  before := (mailbox_of(p_account, p_mailbox)).highestmodseq;
  failed := '{}';
  IF p_op > 0 AND p_keywords = '' AND p_unchangedsince IS NULL AND upper(p_uids) - lower(p_uids) >= flag_run_least()
     AND (SELECT sum(upper(r) - lower(r)) FROM unnest(p_uids) r) >= greatest(flag_run_least(), (upper(p_uids) - lower(p_uids)) / 16) THEN
    v := flags_find(p_account, p_mailbox, p_uids, p_op, p_flags);
    IF cardinality(v.ids) >= flag_run_least() THEN
      PERFORM flag_run_put(ROW(p_account, p_mailbox, v_modseq, v.uids, CASE p_op WHEN 1 THEN 31 ELSE 31 & ~p_flags END,
                               CASE p_op WHEN 1 THEN p_flags ELSE 0 END)::flag_run);
      UPDATE mailbox m SET highestmodseq = v_modseq, all_seen = m.all_seen + v.seen, live_count = m.live_count + v.live,
        live_seen = m.live_seen + v.live_seen, live_bytes = m.live_bytes + v.live_bytes
      WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox;
      INSERT INTO changelog (account_id, modseq, mailbox_id, kind, uids, message_ids)
      VALUES (p_account, v_modseq, p_mailbox, 2, v.uids, v.ids);
      changed := v.uids;
    ELSIF v.ids IS NOT NULL THEN
      PERFORM fold_flags(p_account, p_mailbox);
      changed := flags_in(p_account, p_mailbox, v.uids, p_op, p_flags, '{}', NULL, v_modseq);
    END IF;
  ELSE
    PERFORM fold_flags(p_account, p_mailbox);
    IF p_unchangedsince IS NOT NULL THEN
      failed := changed_after(p_account, p_mailbox, p_uids, p_unchangedsince);
    END IF;
    changed := flags_in(p_account, p_mailbox, p_uids, p_op, p_flags, keywords_of(p_keywords), p_unchangedsince, v_modseq);
  END IF;
  IF changed IS NULL THEN
    changed := '{}';
  ELSE
    modseq := next_modseq(p_account, false);
  END IF;
  RETURN NEXT;
END
$$;

-- Those who write entries or take from their flags.
CREATE OR REPLACE FUNCTION mail.lock_mailbox(p_account bigint, p_mailbox bigint) RETURNS mail.mailbox LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_mailbox mail.mailbox;
BEGIN
  SELECT m.* INTO v_mailbox FROM mail.mailbox m WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
  END IF;
  PERFORM mail.fold_flags(p_account, p_mailbox);
  RETURN v_mailbox;
END
$$;

-- p_code at the head of the statements of a function of the schema.
CREATE FUNCTION mail.begin_with(p_name text, p_code text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_old text := pg_get_functiondef(to_regproc('mail.' || p_name));
  v_new text := regexp_replace(v_old, E'\nBEGIN\n', E'\nBEGIN\n' || p_code || E'\n');
BEGIN
  IF v_new = v_old THEN
    RAISE EXCEPTION 'mail.% has no BEGIN', p_name;
  END IF;
  EXECUTE v_new;
END
$$;
SELECT mail.begin_with('store_flags_v2', '  PERFORM lock_account(p_account), fold_flags(p_account, p_mailbox);');
SELECT mail.begin_with('expunge_from', '  PERFORM mail.fold_flags(p_box.account_id, p_box.mailbox_id);');
SELECT mail.begin_with('email_set_v1', '  PERFORM lock_account(p_account);
  PERFORM fold_flags(p_account, e.mailbox_id) FROM entry e WHERE e.account_id = p_account AND e.message_id = p_message;');
SELECT mail.begin_with('repair_account_v1', '  PERFORM lock_account(p_account);
  PERFORM fold_flags(p_account, f.mailbox_id) FROM flag_run f WHERE f.account_id = p_account;');
DROP FUNCTION mail.begin_with(text, text);

-- What the counters of each mailbox should be.
CREATE OR REPLACE FUNCTION mail.counted(p_account bigint)
RETURNS TABLE (mailbox_id bigint, all_count bigint, all_seen bigint, all_bytes bigint, live_count bigint, live_seen bigint, live_bytes bigint,
               top_uid bigint, top_modseq bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT m.mailbox_id, count(e.uid), count(e.uid) FILTER (WHERE e.flags & 1 = 1), coalesce(sum(e.size), 0)::bigint,
         count(e.uid) FILTER (WHERE e.flags & 8 = 0), count(e.uid) FILTER (WHERE e.flags & 9 = 1),
         coalesce(sum(e.size) FILTER (WHERE e.flags & 8 = 0), 0)::bigint,
         greatest(coalesce(max(e.uid), 0), coalesce(min(x.top), 0)), coalesce(max(e.modseq), 0)
  FROM mailbox m LEFT JOIN entry_now e ON e.account_id = p_account AND e.mailbox_id = m.mailbox_id
  LEFT JOIN (SELECT o.mailbox_id, max(o.uid) AS top FROM expunged o WHERE o.account_id = p_account GROUP BY 1) x ON x.mailbox_id = m.mailbox_id
  WHERE m.account_id = p_account GROUP BY m.mailbox_id
$$;

CREATE FUNCTION mail.check_flag_runs(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE sql STABLE
SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT 'flag run', f.mailbox_id, format('modseq %s is not in the changelog for its messages', f.modseq)
  FROM flag_run f JOIN account_state a ON a.account_id = f.account_id
  WHERE f.account_id = p_account AND f.modseq > a.changelog_floor AND NOT EXISTS (
    SELECT FROM changelog c WHERE c.account_id = p_account AND c.modseq = f.modseq AND c.mailbox_id = f.mailbox_id AND c.kind = 2
      AND c.uids @> f.uids)
$$;

CREATE OR REPLACE FUNCTION mail.check_account_v1(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  LOCK TABLE changelog IN ACCESS SHARE MODE;
  RETURN QUERY SELECT * FROM check_mail(p_account) UNION ALL SELECT * FROM check_flag_runs(p_account);
END
$$;

REVOKE ALL ON FUNCTION mail.flag_run_least(), mail.fold_rows(mail.flag_run, int8multirange), mail.fold_flags(bigint, bigint),
  mail.fold_flags_v1(bigint, bigint, integer), mail.flag_runs_v1(integer),
  mail.flags_find(bigint, bigint, int8multirange, integer, integer), mail.flag_run_put(mail.flag_run),
  mail.store_flags_v3(bigint, bigint, int8multirange, integer, integer, text, bigint), mail.check_flag_runs(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.store_flags_v3(bigint, bigint, int8multirange, integer, integer, text, bigint),
  mail.fold_flags_v1(bigint, bigint, integer), mail.flag_runs_v1(integer) TO dromos_imapd;
