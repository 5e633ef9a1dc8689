-- Accounts' state and the mailbox tree. Errors of all mail functions have these SQLSTATEs:
--   DRNOF not found   DREXI exists already   DRCHI has children   DRNEM not empty   DRINV not allowed
--   DRQUO over quota  DRBLO staged blob gone
-- Functions without _vN are internal: no role but the owner may call them.
SET LOCAL ROLE dromos_owner;

-- RFC 9562 §5.7: milliseconds, then random bits.
CREATE FUNCTION mail.uuid7() RETURNS uuid LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(set_byte(raw, 6, (get_byte(raw, 6) & 15) | 112), 'hex')::uuid
  FROM (SELECT overlay(uuid_send(gen_random_uuid())
                       PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                       FROM 1 FOR 6) AS raw) AS u
$$;

-- The lock every writer takes first. DRNOF if there is no such account.
CREATE FUNCTION mail.lock_account(p_account bigint) RETURNS mail.account_state LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_state account_state;
BEGIN
  SELECT * INTO v_state FROM account_state WHERE account_id = p_account FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % has no mail', p_account USING ERRCODE = 'DRNOF';
  END IF;
  RETURN v_state;
END
$$;

CREATE FUNCTION mail.lock_mailbox(p_account bigint, p_mailbox bigint) RETURNS mail.mailbox LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_mailbox mailbox;
BEGIN
  SELECT * INTO v_mailbox FROM mailbox WHERE account_id = p_account AND mailbox_id = p_mailbox FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
  END IF;
  RETURN v_mailbox;
END
$$;

-- A new modseq for the mailbox type. The caller holds the account's lock.
CREATE FUNCTION mail.next_mailbox_modseq(p_account bigint) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
  UPDATE account_state SET modseq = modseq + 1, mailbox_modseq = modseq + 1
  WHERE account_id = p_account RETURNING modseq
$$;

CREATE FUNCTION mail.mailbox_insert(p_account bigint, p_parent bigint, p_name text, p_special text,
                                    p_subscribed boolean, p_sort integer, p_modseq bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_id bigint;
  v_uidvalidity bigint;
  v_limit bigint;
BEGIN
  UPDATE account_state SET uidvalidity_next = uidvalidity_next + 1
  WHERE account_id = p_account RETURNING uidvalidity_next - 1, quota_mailboxes INTO v_uidvalidity, v_limit;
  IF v_limit IS NOT NULL AND (SELECT count(*) FROM mailbox WHERE account_id = p_account) >= v_limit THEN
    RAISE EXCEPTION 'at most % mailboxes', v_limit USING ERRCODE = 'DRQUO';
  END IF;
  INSERT INTO mailbox (account_id, parent_id, name, special_use, subscribed, sort_order, uidvalidity,
                       highestmodseq, modseq, created_modseq)
  VALUES (p_account, p_parent, p_name, p_special, p_subscribed, p_sort, v_uidvalidity, p_modseq, p_modseq, p_modseq)
  RETURNING mailbox_id INTO v_id;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind) VALUES (p_account, p_modseq, v_id, 4);
  RETURN v_id;
EXCEPTION
  WHEN unique_violation THEN
    RAISE EXCEPTION 'mailbox or special use exists' USING ERRCODE = 'DREXI';
  WHEN check_violation THEN
    RAISE EXCEPTION 'mailbox name not allowed' USING ERRCODE = 'DRINV';
  WHEN foreign_key_violation THEN
    RAISE EXCEPTION 'no such parent mailbox' USING ERRCODE = 'DRNOF';
END
$$;

-- Called by directory when an account is made. quota NULL: none.
CREATE FUNCTION mail.account_create_v1(p_account bigint, p_quota_bytes bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_box text;
  v_sort integer := 0;
BEGIN
  INSERT INTO account_state (account_id, quota_bytes, uidvalidity_next)
  VALUES (p_account, p_quota_bytes, extract(epoch FROM now())::bigint);
  FOREACH v_box IN ARRAY ARRAY['INBOX', 'Drafts', 'Sent', 'Junk', 'Trash', 'Archive'] LOOP
    v_sort := v_sort + 10;
    PERFORM mailbox_insert(p_account, NULL, v_box, lower(v_box), true, v_sort, 1);
  END LOOP;
END
$$;

CREATE FUNCTION mail.account_quota_v1(p_account bigint, p_quota_bytes bigint, p_quota_messages bigint, p_quota_mailboxes bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM lock_account(p_account);
  UPDATE account_state SET quota_bytes = p_quota_bytes, quota_messages = p_quota_messages, quota_mailboxes = p_quota_mailboxes
  WHERE account_id = p_account;
END
$$;

CREATE FUNCTION mail.quota_v1(p_account bigint)
RETURNS TABLE (used_bytes bigint, used_messages bigint, mailboxes bigint,
               quota_bytes bigint, quota_messages bigint, quota_mailboxes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT a.used_bytes, a.used_messages, (SELECT count(*) FROM mailbox m WHERE m.account_id = a.account_id),
         a.quota_bytes, a.quota_messages, a.quota_mailboxes
  FROM account_state a WHERE a.account_id = p_account
$$;

-- Walks p_path from the root; returns the id of its last level, making what is missing when p_modseq is not NULL.
-- NULL for an empty path (the root), DRNOF if a level is missing and may not be made.
CREATE FUNCTION mail.mailbox_walk(p_account bigint, p_path text[], p_modseq bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE
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
    SELECT mailbox_id INTO v_next FROM mailbox
    WHERE account_id = p_account AND parent_id IS NOT DISTINCT FROM v_parent AND name = v_name;
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

-- CREATE: makes the mailbox at p_path and its missing superiors.
CREATE FUNCTION mail.mailbox_create_v1(p_account bigint, p_path text[], p_special text, p_subscribed boolean, p_sort integer)
RETURNS TABLE (mailbox_id bigint, uidvalidity bigint, modseq bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_depth integer := cardinality(p_path);
  v_parent bigint;
BEGIN
  IF v_depth = 0 THEN
    RAISE EXCEPTION 'empty mailbox name' USING ERRCODE = 'DRINV';
  END IF;
  PERFORM lock_account(p_account);
  modseq := next_mailbox_modseq(p_account);
  v_parent := mailbox_walk(p_account, p_path[1:v_depth - 1], modseq);
  mailbox_id := mailbox_insert(p_account, v_parent, p_path[v_depth], p_special, p_subscribed, p_sort, modseq);
  SELECT m.uidvalidity INTO uidvalidity FROM mailbox m WHERE m.account_id = p_account AND m.mailbox_id = mailbox_create_v1.mailbox_id;
  RETURN NEXT;
END
$$;

-- Changes properties; NULL leaves one as it is ('' takes a special use away). p_path NULL: stays in place, else its
-- new place, with missing superiors made. INBOX may change nothing but subscription and order here: RENAME of INBOX
-- is mail.rename_inbox_v1.
CREATE FUNCTION mail.mailbox_set_v1(p_account bigint, p_mailbox bigint, p_path text[], p_special text,
                                    p_subscribed boolean, p_sort integer)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_box mailbox;
  v_modseq bigint;
  v_parent bigint;
  v_up bigint;
BEGIN
  PERFORM lock_account(p_account);
  v_box := lock_mailbox(p_account, p_mailbox);
  IF v_box.special_use = 'inbox' AND (p_path IS NOT NULL OR p_special IS NOT NULL) THEN
    RAISE EXCEPTION 'not possible with INBOX' USING ERRCODE = 'DRINV';
  END IF;
  v_modseq := next_mailbox_modseq(p_account);
  IF p_path IS NOT NULL THEN
    IF cardinality(p_path) = 0 THEN
      RAISE EXCEPTION 'empty mailbox name' USING ERRCODE = 'DRINV';
    END IF;
    v_parent := mailbox_walk(p_account, p_path[1:cardinality(p_path) - 1], v_modseq);
    v_up := v_parent;
    WHILE v_up IS NOT NULL LOOP  -- a mailbox cannot move below itself
      IF v_up = p_mailbox THEN
        RAISE EXCEPTION 'a mailbox cannot move below itself' USING ERRCODE = 'DRINV';
      END IF;
      SELECT parent_id INTO v_up FROM mailbox WHERE account_id = p_account AND mailbox_id = v_up;
    END LOOP;
    v_box.parent_id := v_parent;
    v_box.name := p_path[cardinality(p_path)];
  END IF;
  UPDATE mailbox SET parent_id = v_box.parent_id, name = v_box.name,
    special_use = CASE WHEN p_special = '' THEN NULL ELSE coalesce(p_special, special_use) END,
    subscribed = coalesce(p_subscribed, subscribed), sort_order = coalesce(p_sort, sort_order),
    modseq = v_modseq, highestmodseq = v_modseq
  WHERE account_id = p_account AND mailbox_id = p_mailbox;
  INSERT INTO changelog (account_id, modseq, mailbox_id, kind) VALUES (p_account, v_modseq, p_mailbox, 5);
  RETURN v_modseq;
EXCEPTION
  WHEN unique_violation THEN
    RAISE EXCEPTION 'mailbox or special use exists' USING ERRCODE = 'DREXI';
  WHEN check_violation THEN
    RAISE EXCEPTION 'mailbox name not allowed' USING ERRCODE = 'DRINV';
END
$$;
