-- Who is disabled shares nothing, whichever of account, address and domain is; rules of sharing, annotations and lessons
-- that no constraint holds; one walk of the mailbox tree.
SET LOCAL ROLE dromos_owner;

-- The account may be used: neither it nor its address or domain is disabled.
CREATE FUNCTION directory.account_active(p_account bigint) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT EXISTS (SELECT FROM directory.account acc JOIN directory.address a ON a.account_id = acc.id
                 JOIN directory.domain d ON d.id = a.domain_id
                 WHERE acc.id = p_account AND acc.enabled AND a.enabled AND d.enabled)
$$;
REVOKE ALL ON FUNCTION directory.account_active(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION mail.rights_v1(p_reader bigint, p_account bigint, p_mailbox bigint) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT coalesce(all_rights(a.rights) FILTER (WHERE NOT a.negative) & ~all_rights(a.rights) FILTER (WHERE a.negative), 0)
  FROM acl a
  WHERE a.account_id = p_account AND a.mailbox_id = p_mailbox
    AND (a.grantee_account = p_reader
      OR a.grantee_group IN (SELECT g.address_id FROM directory.groups_of_v1(p_reader) g)
      OR (num_nonnulls(a.grantee_account, a.grantee_group) = 0 AND EXISTS (
            SELECT FROM directory.address mine JOIN directory.address theirs ON theirs.domain_id = mine.domain_id
            WHERE mine.account_id = p_reader AND theirs.account_id = p_account)))
    AND directory.account_active(p_account)
$$;

CREATE OR REPLACE FUNCTION mail.acl_all_v1(p_account bigint) RETURNS TABLE (path text, identifier text, rights integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT path_of(p_account, m.parent_id, m.name), l.identifier, l.rights
  FROM mailbox m CROSS JOIN LATERAL acl_v1(p_account, m.mailbox_id) l
  WHERE m.account_id = p_account ORDER BY 1, 2
$$;

-- Lessons of accounts that are gone were nobody's to remove.
DELETE FROM mail.lesson l WHERE NOT EXISTS (SELECT FROM mail.account_state a WHERE a.account_id = l.account_id);
ALTER TABLE mail.lesson ADD CONSTRAINT lesson_account FOREIGN KEY (account_id) REFERENCES mail.account_state ON DELETE CASCADE;

CREATE FUNCTION mail.check_account_v2(p_account bigint) RETURNS TABLE (problem text, mailbox_id bigint, detail text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM check_account_v1(p_account);  -- takes the account's lock
  RETURN QUERY SELECT * FROM check_sharing(p_account);  -- comes with \Seen of one's own
END
$$;

CREATE FUNCTION mail.repair_account_v2(p_account bigint) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_mended integer;
  v_more integer;
BEGIN
  v_mended := repair_account_v1(p_account);
  SELECT count(*) INTO v_more FROM check_sharing(p_account);
  IF v_more > 0 THEN
    PERFORM repair_sharing(p_account);
  END IF;
  RETURN v_mended + v_more;
END
$$;

REVOKE ALL ON FUNCTION mail.check_account_v2(bigint), mail.repair_account_v2(bigint) FROM PUBLIC;
