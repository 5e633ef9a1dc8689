-- STORE to a few ranges of uids takes them one by one, by the statements for one range, which are planned once; the statement for many is
-- planned each time, which costs more than a few ranges do. What was said of flags_in where it was made holds.
SET LOCAL ROLE dromos_owner;

CREATE FUNCTION mail.flags_by_range(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                    p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS mail.flags_done LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  c_few CONSTANT integer := 16;
  v_ranges int8range[];
  v_range int8range;
  v mail.flags_done;
  v_all mail.flags_done;
BEGIN
  IF p_uids <> int8multirange(range_merge(p_uids)) THEN
    v_ranges := ARRAY(SELECT r FROM unnest(p_uids) r LIMIT c_few + 1);
  END IF;
  IF v_ranges IS NULL OR cardinality(v_ranges) > c_few THEN
    RETURN mail.flags_rows(p_account, p_mailbox, p_uids, p_op, p_flags, p_keywords, p_unchangedsince, p_modseq);
  END IF;
  FOREACH v_range IN ARRAY v_ranges LOOP
    v := mail.flags_rows(p_account, p_mailbox, int8multirange(v_range), p_op, p_flags, p_keywords, p_unchangedsince, p_modseq);
    CONTINUE WHEN v.uids IS NULL;
    v_all := ROW(v_all.uids || v.uids, v_all.ids || v.ids, coalesce(v_all.seen, 0) + v.seen, coalesce(v_all.live, 0) + v.live,
                 coalesce(v_all.live_seen, 0) + v.live_seen, coalesce(v_all.live_bytes, 0) + v.live_bytes);
  END LOOP;
  RETURN v_all;
END
$$;
REVOKE ALL ON FUNCTION mail.flags_by_range(bigint, bigint, int8multirange, integer, integer, text[], bigint, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION mail.flags_in(p_account bigint, p_mailbox bigint, p_uids int8multirange, p_op integer, p_flags integer,
                                         p_keywords text[], p_unchangedsince bigint, p_modseq bigint)
RETURNS int8multirange LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v mail.flags_done := mail.flags_by_range(p_account, p_mailbox, p_uids, p_op, p_flags, p_keywords, p_unchangedsince, p_modseq);
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
