-- Accounts that are nobody's own (shared) let nobody in: no password, app password, SCRAM, certificate or API key of
-- theirs is found, so that an attempt gets the answer of a login that does not exist, at its price.
SET LOCAL ROLE dromos_owner;

CREATE OR REPLACE FUNCTION directory.auth_lookup_v1(p_login text)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint,
               scram_sha1 boolean, scheme text, hash text,
               sha256_salt bytea, sha256_iterations integer, sha256_stored_key bytea, sha256_server_key bytea,
               sha1_salt bytea, sha1_iterations integer, sha1_stored_key bytea, sha1_server_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled AND a.enabled AND d.enabled,
         acc.epoch, d.scram_sha1, c.scheme, c.hash,
         c.sha256_salt, c.sha256_iterations, c.sha256_stored_key, c.sha256_server_key,
         c.sha1_salt, c.sha1_iterations, c.sha1_stored_key, c.sha1_server_key
    FROM directory.domain d
    JOIN directory.address a ON a.domain_id = d.id AND a.local_part = directory.fold(directory.local_of(p_login))
    JOIN directory.account acc ON acc.id = a.account_id AND NOT acc.shared
    LEFT JOIN directory.credential c ON c.account_id = acc.id
   WHERE d.name = lower(directory.domain_of(p_login) COLLATE "C")
$$;

CREATE OR REPLACE FUNCTION directory.app_password_login_v1(p_login text, p_hash bytea)
RETURNS TABLE (app_password_id bigint, account_id bigint, login text, display_name text, enabled boolean,
               epoch bigint, label text, scopes text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
DECLARE v_used timestamptz;
BEGIN
  SELECT p.id, acc.id, a.local_part || '@' || d.name, acc.display_name,
         acc.enabled AND a.enabled AND d.enabled, acc.epoch, p.label, array_to_string(p.scopes, ' '), p.last_used
    INTO app_password_id, account_id, login, display_name, enabled, epoch, label, scopes, v_used
    FROM directory.app_password p
    JOIN directory.account acc ON acc.id = p.account_id AND NOT acc.shared
    JOIN directory.address a ON a.account_id = acc.id
    JOIN directory.domain d ON d.id = a.domain_id
   WHERE p.hash = p_hash AND (p.expires_at IS NULL OR p.expires_at > now())
     AND a.local_part = directory.fold(directory.local_of(p_login))
     AND d.name = lower(directory.domain_of(p_login) COLLATE "C");
  IF NOT FOUND THEN RETURN; END IF;
  IF enabled AND (v_used IS NULL OR v_used < now() - interval '1 hour') THEN
    UPDATE directory.app_password SET last_used = now() WHERE id = app_password_id;
  END IF;
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION admin.api_key_lookup_v1(p_hash bytea)
RETURNS TABLE (key_id bigint, account_id bigint, administrator_id bigint, owner text, role text,
               display_name text, epoch bigint, label text, scopes text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
#variable_conflict use_column
DECLARE v_used timestamptz;
BEGIN
  SELECT k.id, k.account_id, k.administrator_id, coalesce(ad.name, directory.login_of(acc.id)),
         coalesce(ad.role, ''), coalesce(acc.display_name, ad.name), coalesce(acc.epoch, ad.epoch), k.label,
         array_to_string(k.scopes, ' '), k.last_used
    INTO key_id, account_id, administrator_id, owner, role, display_name, epoch, label, scopes, v_used
    FROM admin.api_key k
    LEFT JOIN admin.administrator ad ON ad.id = k.administrator_id
    LEFT JOIN directory.account acc ON acc.id = k.account_id
    LEFT JOIN directory.address a ON a.account_id = acc.id
    LEFT JOIN directory.domain d ON d.id = a.domain_id
   WHERE k.hash = p_hash AND (k.expires_at IS NULL OR k.expires_at > now())
     AND coalesce(ad.enabled, acc.enabled AND NOT acc.shared AND a.enabled AND d.enabled, false);
  IF NOT FOUND THEN RETURN; END IF;
  IF v_used IS NULL OR v_used < now() - interval '1 hour' THEN
    UPDATE admin.api_key SET last_used = now() WHERE id = key_id;
  END IF;
  RETURN NEXT;
END $$;

-- The account that a client certificate names; beside directory.auth_lookup_v1 the only way in.
CREATE FUNCTION directory.certificate_login_v1(p_login text)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint, quota_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT b.* FROM directory.account_by_login_v1(p_login) b
  JOIN directory.account acc ON acc.id = b.account_id AND NOT acc.shared
$$;

REVOKE ALL ON FUNCTION directory.certificate_login_v1(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION directory.certificate_login_v1(text) TO dromos_mta, dromos_imapd, dromos_jmapd;
