-- Mail that a policy throws away after a time: Trash and Junk. It is expunged like by its owner: kept for retention, told to
-- clients.
SET LOCAL ROLE dromos_owner;

CREATE FUNCTION mail.expire_candidates_v1(p_role text, p_after bigint, p_limit integer) RETURNS SETOF bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT m.account_id FROM mailbox m
  WHERE m.account_id > p_after AND m.special_use = p_role AND m.all_count > 0 ORDER BY m.account_id LIMIT p_limit
$$;

-- Expunges at most p_limit entries that came into the account's mailbox of that role before p_before. modseq: NULL if none.
CREATE FUNCTION mail.expire_role_v1(p_account bigint, p_role text, p_before timestamptz, p_limit integer)
RETURNS TABLE (modseq bigint, expired bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_mailbox bigint;
  v_uids int8multirange;
  v_count bigint;
BEGIN
  IF p_role NOT IN ('trash', 'junk') THEN
    RAISE EXCEPTION 'mail of role % does not expire', p_role USING ERRCODE = '22023';
  END IF;
  PERFORM lock_account(p_account);
  SELECT m.mailbox_id INTO v_mailbox FROM mailbox m WHERE m.account_id = p_account AND m.special_use = p_role;
  SELECT range_agg(int8range(o.uid, o.uid + 1)), count(*) INTO v_uids, v_count FROM (
    SELECT e.uid FROM entry e
    WHERE e.account_id = p_account AND e.mailbox_id = v_mailbox AND e.saved_at < p_before ORDER BY e.uid LIMIT p_limit) o;
  expire_role_v1.expired := v_count;
  IF v_count > 0 THEN
    SELECT x.modseq INTO expire_role_v1.modseq FROM expunge_v1(p_account, v_mailbox, v_uids, false) x;
  END IF;
  RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION mail.expire_candidates_v1(text, bigint, integer), mail.expire_role_v1(bigint, text, timestamptz, integer)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.expire_candidates_v1(text, bigint, integer), mail.expire_role_v1(bigint, text, timestamptz, integer)
  TO dromos_admind;
