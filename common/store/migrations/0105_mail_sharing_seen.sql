-- \Seen of one's own as administrators ask for it: by paths.
SET LOCAL ROLE dromos_owner;

-- Mailboxes in which each guest has his own \Seen.
CREATE FUNCTION mail.own_seen_all_v1(p_account bigint) RETURNS TABLE (path text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  WITH RECURSIVE tree (mailbox_id, path, own) AS (
    SELECT m.mailbox_id, m.name::text, m.seen_rule > 0 FROM mailbox m WHERE m.account_id = p_account AND m.parent_id IS NULL
    UNION ALL
    SELECT m.mailbox_id, t.path || '/' || m.name, m.seen_rule > 0 FROM tree t
    JOIN mailbox m ON m.account_id = p_account AND m.parent_id = t.mailbox_id
  )
  SELECT t.path FROM tree t WHERE t.own ORDER BY t.path
$$;

-- As SETMETADATA of the owner: the annotation is set or goes. The account's modseq; NULL: it is so already, and nothing is
-- forgotten. DRNOF if there is no such mailbox.
CREATE FUNCTION mail.own_seen_set_path_v1(p_account bigint, p_path text, p_own boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  c_name CONSTANT text := '/shared/vendor/dromos/private-seen';
  v_mailbox bigint;
BEGIN
  PERFORM lock_account(p_account);
  v_mailbox := mailbox_walk(p_account, string_to_array(p_path, '/'), NULL);
  IF p_own = EXISTS (SELECT FROM annotation a WHERE a.account_id = p_account AND a.mailbox_id = v_mailbox AND a.reader_id IS NULL
                     AND a.name = c_name) THEN
    RETURN NULL;
  END IF;
  IF p_own THEN
    PERFORM annotation_set_v2(p_account, v_mailbox, p_account, ARRAY[c_name], ARRAY['true'::bytea], '{}', 100, 4 << 20);
  ELSE
    PERFORM annotation_set_v2(p_account, v_mailbox, p_account, '{}', '{}', ARRAY[c_name], 100, 4 << 20);
  END IF;
  SET CONSTRAINTS mail.seen_rule_set, mail.seen_rule_unset IMMEDIATE;  -- the mailbox changes now, so that its modseq can be told
  RETURN (SELECT a.modseq FROM account_state a WHERE a.account_id = p_account);
END
$$;

REVOKE ALL ON FUNCTION mail.own_seen_all_v1(bigint), mail.own_seen_set_path_v1(bigint, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.own_seen_all_v1(bigint), mail.own_seen_set_path_v1(bigint, text, boolean) TO dromos_admind;
