-- Lookups: what daemons may ask of the directory. Every function is SECURITY DEFINER with a fixed search_path
-- and granted by name; hashes leave only through auth_lookup_v1, one login at a time.

CREATE FUNCTION directory.domain_is_local_v1(p_domain text)
RETURNS TABLE (is_local boolean, epoch bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT EXISTS (SELECT FROM directory.domain WHERE name = lower(p_domain COLLATE "C")),
         (SELECT value FROM admin.config_epoch)
$$;

-- The row an address leads to, before expansion: exact, then without "+detail", then the domain's catch-all.
CREATE FUNCTION directory.find_address(p_local text, p_domain text)
RETURNS TABLE (address_id bigint, detail text, domain_id bigint, domain_enabled boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE
  v_local text := directory.fold(p_local);
  v_plus  integer := strpos(p_local, '+');
BEGIN
  SELECT d.id, d.enabled INTO domain_id, domain_enabled FROM directory.domain d
   WHERE d.name = lower(p_domain COLLATE "C");
  IF domain_id IS NULL THEN RETURN; END IF;
  detail := '';
  SELECT a.id INTO address_id FROM directory.address a
   WHERE a.domain_id = find_address.domain_id AND a.local_part = v_local AND v_local <> '';
  IF address_id IS NULL AND v_plus > 1 THEN
    SELECT a.id INTO address_id FROM directory.address a
     WHERE a.domain_id = find_address.domain_id AND a.local_part = left(v_local, strpos(v_local, '+') - 1);
    IF address_id IS NOT NULL THEN detail := substr(p_local, v_plus + 1); END IF;
  END IF;
  IF address_id IS NULL THEN
    SELECT a.id INTO address_id FROM directory.address a
     WHERE a.domain_id = find_address.domain_id AND a.local_part = '';
  END IF;
  RETURN NEXT;
END $$;

-- Everyone whom mail for an address reaches. Breadth first; each address once, so that cycles end; at most 10
-- levels and 1,000 results, beyond which the whole recipient is refused rather than some of it lost. One
-- target that is gone does not refuse the others: rejects are returned only where nothing else is left.
-- kind: account (account_id, detail) | remote (address) | reject (reason).
CREATE FUNCTION directory.resolve_recipient_v1(p_local text, p_domain text)
RETURNS TABLE (kind text, account_id bigint, address text, detail text, reason text, epoch bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE
  c_max_depth   CONSTANT integer := 10;
  c_max_targets CONSTANT integer := 1000;
  v_epoch    bigint := (SELECT value FROM admin.config_epoch);
  v_level    bigint[];      -- addresses of this depth
  v_next     bigint[];
  v_seen     bigint[];
  v_accounts bigint[] := '{}';
  v_remotes  text[] := '{}';
  v_depth    integer := 0;
  v_reason   text;
  v_detail   text;
  f record;
  t record;
BEGIN
  epoch := v_epoch;
  SELECT * INTO f FROM directory.find_address(p_local, p_domain);
  IF NOT FOUND THEN v_reason := 'not_local';
  ELSIF NOT f.domain_enabled THEN v_reason := 'domain_disabled';
  ELSIF f.address_id IS NULL THEN v_reason := 'unknown';
  ELSE
    v_detail := f.detail;
    v_level := ARRAY[f.address_id];
    v_seen := v_level;
  END IF;
  WHILE v_reason IS NULL AND cardinality(v_level) > 0 LOOP
    v_next := '{}';
    FOR t IN
      SELECT a.id, a.kind, a.enabled AND d.enabled AS enabled, a.account_id, acc.enabled AS account_enabled
        FROM unnest(v_level) WITH ORDINALITY AS l (id, n)
        JOIN directory.address a ON a.id = l.id JOIN directory.domain d ON d.id = a.domain_id
        LEFT JOIN directory.account acc ON acc.id = a.account_id ORDER BY l.n
    LOOP
      IF t.enabled AND t.kind = 'account' AND t.account_enabled THEN
        v_accounts := v_accounts || t.account_id;
      ELSIF t.enabled AND t.kind <> 'account' THEN
        v_next := v_next || t.id;
      END IF;
    END LOOP;
    EXIT WHEN cardinality(v_next) = 0;
    v_depth := v_depth + 1;
    IF v_depth > c_max_depth THEN v_reason := 'too_deep'; EXIT; END IF;
    v_level := '{}';
    FOR t IN
      SELECT coalesce(at.target_id, g.address_id) AS id, at.target, g.domain_id AS local_domain
        FROM unnest(v_next) WITH ORDINALITY AS l (id, n)
        JOIN directory.address_target at ON at.address_id = l.id
        LEFT JOIN LATERAL directory.find_address(directory.local_of(at.target), directory.domain_of(at.target)) g
               ON at.target IS NOT NULL
       ORDER BY l.n, at.position
       LIMIT 20 * c_max_targets
    LOOP
      IF t.id IS NOT NULL THEN
        IF t.id <> ALL (v_seen) THEN
          v_seen := v_seen || t.id;
          v_level := v_level || t.id;
        END IF;
      ELSIF t.local_domain IS NULL AND t.target <> ALL (v_remotes) THEN
        v_remotes := v_remotes || t.target;
      END IF;
      IF cardinality(v_seen) + cardinality(v_remotes) > 2 * c_max_targets THEN EXIT; END IF;
    END LOOP;
    IF cardinality(v_seen) + cardinality(v_remotes) > 2 * c_max_targets THEN v_reason := 'too_many'; END IF;
  END LOOP;
  IF v_reason IS NULL AND cardinality(v_accounts) + cardinality(v_remotes) > c_max_targets THEN
    v_reason := 'too_many';
  END IF;
  IF v_reason IS NULL AND cardinality(v_accounts) + cardinality(v_remotes) = 0 THEN
    v_reason := CASE WHEN v_depth > 0 THEN 'no_target' ELSE 'disabled' END;
  END IF;
  IF v_reason IS NOT NULL THEN
    kind := 'reject'; reason := v_reason;
    RETURN NEXT;
    RETURN;
  END IF;
  RETURN QUERY SELECT 'account', u.id, directory.login_of(u.id),
                      CASE WHEN v_depth = 0 THEN v_detail ELSE '' END, '', v_epoch
                 FROM unnest(v_accounts) AS u (id);
  RETURN QUERY SELECT 'remote', NULL::bigint, u.address, '', '', v_epoch FROM unnest(v_remotes) AS u (address);
END $$;

CREATE FUNCTION directory.login_of(p_account bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT a.local_part || '@' || d.name FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE a.account_id = p_account
$$;

-- All that is needed to judge one login, in one call. No row: no such login.
CREATE FUNCTION directory.auth_lookup_v1(p_login text)
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
    JOIN directory.account acc ON acc.id = a.account_id
    LEFT JOIN directory.credential c ON c.account_id = acc.id
   WHERE d.name = lower(directory.domain_of(p_login) COLLATE "C")
$$;

-- An app password by its hash, for one login. Marks its use, at most once an hour.
CREATE FUNCTION directory.app_password_login_v1(p_login text, p_hash bytea)
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
    JOIN directory.account acc ON acc.id = p.account_id
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

-- After a login in the clear: a better hash for the same password, and verifiers that were missing. Only where
-- the stored hash is not argon2id or has no verifiers, so that a daemon gone bad cannot replace a password
-- that is in order; p_old must be what is stored.
CREATE FUNCTION directory.credential_upgrade_v1(
  p_account bigint, p_old_scheme text, p_old_hash text, p_hash text,
  p_sha256_salt bytea, p_sha256_iterations integer, p_sha256_stored_key bytea, p_sha256_server_key bytea,
  p_sha1_salt bytea, p_sha1_iterations integer, p_sha1_stored_key bytea, p_sha1_server_key bytea)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_sha1 boolean;
BEGIN
  SELECT d.scram_sha1 INTO v_sha1 FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE a.account_id = p_account;
  UPDATE directory.credential SET
    scheme = 'argon2id', hash = p_hash,
    sha256_salt = p_sha256_salt, sha256_iterations = p_sha256_iterations,
    sha256_stored_key = p_sha256_stored_key, sha256_server_key = p_sha256_server_key,
    sha1_salt = CASE WHEN v_sha1 THEN p_sha1_salt END,
    sha1_iterations = CASE WHEN v_sha1 THEN p_sha1_iterations END,
    sha1_stored_key = CASE WHEN v_sha1 THEN p_sha1_stored_key END,
    sha1_server_key = CASE WHEN v_sha1 THEN p_sha1_server_key END
   WHERE account_id = p_account AND scheme = p_old_scheme AND hash = p_old_hash
     AND (scheme <> 'argon2id' OR sha256_salt IS NULL);
  RETURN FOUND;
END $$;

CREATE FUNCTION directory.scram_key_v1() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT scram_key FROM directory.secret
$$;

CREATE FUNCTION directory.account_by_id_v1(p_account bigint)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint,
               quota_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled AND a.enabled AND d.enabled,
         acc.epoch, acc.quota_bytes
    FROM directory.account acc JOIN directory.address a ON a.account_id = acc.id
    JOIN directory.domain d ON d.id = a.domain_id WHERE acc.id = p_account
$$;

CREATE FUNCTION directory.account_by_login_v1(p_login text)
RETURNS TABLE (account_id bigint, login text, display_name text, enabled boolean, epoch bigint,
               quota_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT b.* FROM directory.domain d
    JOIN directory.address a ON a.domain_id = d.id AND a.local_part = directory.fold(directory.local_of(p_login))
   CROSS JOIN LATERAL directory.account_by_id_v1(a.account_id) b
   WHERE d.name = lower(directory.domain_of(p_login) COLLATE "C")
$$;

-- Groups an account belongs to, through other groups too (for rights on shared mailboxes).
CREATE FUNCTION directory.groups_of_v1(p_account bigint) RETURNS TABLE (address_id bigint, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  WITH RECURSIVE up (id) AS (
    SELECT a.id FROM directory.address a WHERE a.account_id = p_account
    UNION
    SELECT t.address_id FROM up JOIN directory.address_target t ON t.target_id = up.id
      JOIN directory.address g ON g.id = t.address_id AND g.kind IN ('group', 'alias')
  )
  SELECT a.id, a.local_part || '@' || d.name FROM up
    JOIN directory.address a ON a.id = up.id AND a.kind = 'group'
    JOIN directory.domain d ON d.id = a.domain_id ORDER BY a.id LIMIT 1000
$$;

-- An account may write in the name of its login (with any +detail), and of every alias, group or catch-all with
-- send_as through which mail reaches it; each step on the way must allow it.
CREATE FUNCTION directory.may_send_as_v1(p_account bigint, p_local text, p_domain text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  WITH RECURSIVE down (id, depth) AS (
    SELECT f.address_id, 0 FROM directory.find_address(p_local, p_domain) f
     WHERE f.address_id IS NOT NULL AND f.domain_enabled
    UNION
    SELECT coalesce(t.target_id, g.address_id), down.depth + 1
      FROM down JOIN directory.address a ON a.id = down.id AND a.send_as AND a.enabled AND a.kind <> 'account'
      JOIN directory.address_target t ON t.address_id = a.id
      LEFT JOIN LATERAL directory.find_address(directory.local_of(t.target), directory.domain_of(t.target)) g
             ON t.target IS NOT NULL
     WHERE down.depth < 10 AND coalesce(t.target_id, g.address_id) IS NOT NULL
  )
  SELECT EXISTS (SELECT FROM (SELECT id FROM down LIMIT 10000) r JOIN directory.address a ON a.id = r.id
                  WHERE a.account_id = p_account AND a.enabled)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA directory FROM PUBLIC;
GRANT EXECUTE ON FUNCTION directory.domain_is_local_v1(text), directory.resolve_recipient_v1(text, text)
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
GRANT EXECUTE ON FUNCTION directory.auth_lookup_v1(text), directory.app_password_login_v1(text, bytea),
  directory.credential_upgrade_v1(bigint, text, text, text, bytea, integer, bytea, bytea,
                                  bytea, integer, bytea, bytea),
  directory.scram_key_v1()
  TO dromos_mta, dromos_imapd, dromos_jmapd;
GRANT EXECUTE ON FUNCTION directory.account_by_id_v1(bigint), directory.account_by_login_v1(text),
  directory.groups_of_v1(bigint),
  directory.may_send_as_v1(bigint, text, text)
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_admind;
