-- Sharing as administrators see it: by paths, all mailboxes of an account at once.
SET LOCAL ROLE dromos_owner;

CREATE FUNCTION mail.acl_all_v1(p_account bigint) RETURNS TABLE (path text, identifier text, rights integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  WITH RECURSIVE tree (mailbox_id, path) AS (
    SELECT m.mailbox_id, m.name::text FROM mailbox m WHERE m.account_id = p_account AND m.parent_id IS NULL
    UNION ALL
    SELECT m.mailbox_id, t.path || '/' || m.name FROM tree t
    JOIN mailbox m ON m.account_id = p_account AND m.parent_id = t.mailbox_id
  )
  SELECT t.path, l.identifier, l.rights FROM tree t
  CROSS JOIN LATERAL acl_v1(p_account, t.mailbox_id) l ORDER BY t.path, l.identifier
$$;

-- As mail.acl_set_v1. DRNOF if there is no such mailbox.
CREATE FUNCTION mail.acl_set_path_v1(p_account bigint, p_path text, p_identifier text, p_rights integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT acl_set_v1(p_account, mailbox_walk(p_account, string_to_array(p_path, '/'), NULL), p_identifier, 0, p_rights)
$$;

REVOKE ALL ON FUNCTION mail.acl_all_v1(bigint), mail.acl_set_path_v1(bigint, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.acl_all_v1(bigint), mail.acl_set_path_v1(bigint, text, text, integer) TO dromos_admind;
