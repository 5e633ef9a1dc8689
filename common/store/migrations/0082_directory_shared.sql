-- Accounts that are nobody's own. The _v1 functions stay for an admind of the version before, which runs beside this one.
SET LOCAL ROLE dromos_owner;

ALTER TABLE directory.account ADD COLUMN shared boolean NOT NULL DEFAULT false;  -- its mailboxes are there for others

CREATE FUNCTION directory.account_update_v2(p_login text, p_display_name text, p_quota_bytes bigint,
                                            p_enabled boolean, p_shared boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  UPDATE directory.account SET display_name = coalesce(p_display_name, display_name),
         quota_bytes = coalesce(p_quota_bytes, quota_bytes), enabled = coalesce(p_enabled, enabled),
         shared = coalesce(p_shared, shared), epoch = epoch + 1 WHERE id = v_id;
  IF p_quota_bytes IS NOT NULL THEN
    PERFORM mail.account_quota_v1(v_id, nullif(p_quota_bytes, 0), q.quota_messages, q.quota_mailboxes)
       FROM mail.quota_v1(v_id) q;
  END IF;
END $$;

-- p_domain '' lists all; p_match is a piece of login or name. Ordered by id; p_after is the last id seen.
CREATE FUNCTION directory.account_list_v2(p_domain text, p_match text, p_after bigint, p_limit integer)
RETURNS TABLE (id bigint, login text, display_name text, enabled boolean, quota_bytes bigint, epoch bigint,
               scheme text, hash text, scram boolean, app_passwords bigint, created_us bigint, shared boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled, acc.quota_bytes, acc.epoch,
         coalesce(c.scheme, ''), coalesce(c.hash, ''), c.sha256_salt IS NOT NULL,
         (SELECT count(*) FROM directory.app_password p WHERE p.account_id = acc.id),
         directory.us(acc.created_at), acc.shared
    FROM directory.account acc
    JOIN directory.address a ON a.account_id = acc.id
    JOIN directory.domain d ON d.id = a.domain_id
    LEFT JOIN directory.credential c ON c.account_id = acc.id
   WHERE acc.id > p_after AND (p_domain = '' OR d.name = p_domain)
     AND (p_match = '' OR strpos(a.local_part || '@' || d.name, lower(p_match)) > 0
          OR strpos(lower(acc.display_name), lower(p_match)) > 0)
   ORDER BY acc.id LIMIT least(p_limit, 1000)
$$;

CREATE FUNCTION directory.account_get_v2(p_login text)
RETURNS TABLE (id bigint, login text, display_name text, enabled boolean, quota_bytes bigint, epoch bigint,
               scheme text, hash text, scram boolean, app_passwords bigint, created_us bigint, shared boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM directory.account_list_v2('', '', directory.need_account(p_login) - 1, 1);
END $$;

GRANT EXECUTE ON FUNCTION
  directory.account_update_v2(text, text, bigint, boolean, boolean), directory.account_list_v2(text, text, bigint, integer),
  directory.account_get_v2(text)
TO dromos_admind;
