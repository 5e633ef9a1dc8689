-- Administration of the directory: EXECUTE for dromos_admind only. Each function that changes something takes
-- the epoch row first, which makes administrators' changes serial and free of deadlocks. Errors: unique and
-- foreign key violations as PostgreSQL raises them, DRNOF (no such thing), DRINV (invalid), DREXI (exists already).
-- Lists of addresses travel as text, one a line; scopes as words; times as microseconds since 1970.

CREATE FUNCTION directory.us(p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM p_at) * 1000000)::bigint $$;
CREATE FUNCTION directory.from_us(p_us bigint) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT timestamptz 'epoch' + p_us * interval '1 microsecond' $$;

CREATE FUNCTION directory.need_domain(p_name text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  SELECT id INTO v_id FROM directory.domain WHERE name = p_name;
  IF NOT FOUND THEN RAISE EXCEPTION 'no such domain: %', p_name USING ERRCODE = 'DRNOF'; END IF;
  RETURN v_id;
END $$;

CREATE FUNCTION directory.need_account(p_login text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  SELECT a.account_id INTO v_id FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE a.local_part = directory.fold(directory.local_of(p_login)) AND a.account_id IS NOT NULL
     AND d.name = lower(directory.domain_of(p_login) COLLATE "C");
  IF NOT FOUND THEN RAISE EXCEPTION 'no such account: %', p_login USING ERRCODE = 'DRNOF'; END IF;
  RETURN v_id;
END $$;

CREATE FUNCTION directory.domain_create_v1(p_name text, p_enabled boolean, p_scram_sha1 boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  INSERT INTO directory.domain (name, enabled, scram_sha1) VALUES (p_name, p_enabled, p_scram_sha1)
    RETURNING id INTO v_id;
  RETURN v_id;
END $$;

-- NULL leaves a property as it is. Without leave for SCRAM-SHA-1 its verifiers go at once.
CREATE FUNCTION directory.domain_update_v1(p_name text, p_enabled boolean, p_scram_sha1 boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_domain(p_name);
  UPDATE directory.domain SET enabled = coalesce(p_enabled, enabled),
         scram_sha1 = coalesce(p_scram_sha1, scram_sha1) WHERE id = v_id;
  IF p_scram_sha1 IS FALSE THEN
    UPDATE directory.credential SET sha1_salt = NULL, sha1_iterations = NULL, sha1_stored_key = NULL,
           sha1_server_key = NULL
     WHERE account_id IN (SELECT account_id FROM directory.address WHERE domain_id = v_id)
       AND sha1_salt IS NOT NULL;
  END IF;
END $$;

-- Only an empty domain goes (its catch-all goes with it).
CREATE FUNCTION directory.domain_delete_v1(p_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_domain(p_name);
  DELETE FROM directory.address WHERE domain_id = v_id AND kind = 'catch_all';
  DELETE FROM directory.domain WHERE id = v_id;
END $$;

CREATE FUNCTION directory.targets_text(p_address bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT coalesce(string_agg(coalesce(t.target, a.local_part || '@' || d.name), E'\n' ORDER BY t.position), '')
    FROM directory.address_target t LEFT JOIN directory.address a ON a.id = t.target_id
    LEFT JOIN directory.domain d ON d.id = a.domain_id WHERE t.address_id = p_address
$$;

CREATE FUNCTION directory.domain_list_v1(p_after text, p_limit integer)
RETURNS TABLE (id bigint, name text, enabled boolean, scram_sha1 boolean, catch_all text,
               accounts bigint, created_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT d.id, d.name, d.enabled, d.scram_sha1,
         coalesce((SELECT directory.targets_text(a.id) FROM directory.address a
                    WHERE a.domain_id = d.id AND a.local_part = ''), ''),
         (SELECT count(*) FROM directory.address a WHERE a.domain_id = d.id AND a.kind = 'account'),
         directory.us(d.created_at)
    FROM directory.domain d WHERE d.name > p_after ORDER BY d.name LIMIT least(p_limit, 1000)
$$;

-- The one place that writes a credential. NULL scheme: no password (app passwords may still let in).
CREATE FUNCTION directory.credential_put(
  p_account bigint, p_scheme text, p_hash text,
  p_sha256_salt bytea, p_sha256_iterations integer, p_sha256_stored_key bytea, p_sha256_server_key bytea,
  p_sha1_salt bytea, p_sha1_iterations integer, p_sha1_stored_key bytea, p_sha1_server_key bytea)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_sha1 boolean;
BEGIN
  DELETE FROM directory.credential WHERE account_id = p_account;
  IF p_scheme IS NULL THEN RETURN; END IF;
  SELECT d.scram_sha1 INTO v_sha1 FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE a.account_id = p_account;
  INSERT INTO directory.credential VALUES (
    p_account, p_scheme, p_hash,
    p_sha256_salt, p_sha256_iterations, p_sha256_stored_key, p_sha256_server_key,
    CASE WHEN v_sha1 THEN p_sha1_salt END, CASE WHEN v_sha1 THEN p_sha1_iterations END,
    CASE WHEN v_sha1 THEN p_sha1_stored_key END, CASE WHEN v_sha1 THEN p_sha1_server_key END);
END $$;

CREATE FUNCTION directory.account_insert(p_local text, p_domain_id bigint, p_display_name text,
                                         p_quota_bytes bigint, p_enabled boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  INSERT INTO directory.account (display_name, enabled, quota_bytes)
    VALUES (p_display_name, p_enabled, p_quota_bytes) RETURNING id INTO v_id;
  INSERT INTO directory.address (domain_id, local_part, kind, account_id, send_as, display_name)
    VALUES (p_domain_id, p_local, 'account', v_id, true, p_display_name);
  PERFORM mail.account_create_v1(v_id, nullif(p_quota_bytes, 0));
  RETURN v_id;
END $$;

CREATE FUNCTION directory.account_create_v1(
  p_login text, p_display_name text, p_quota_bytes bigint, p_enabled boolean, p_scheme text, p_hash text,
  p_sha256_salt bytea, p_sha256_iterations integer, p_sha256_stored_key bytea, p_sha256_server_key bytea,
  p_sha1_salt bytea, p_sha1_iterations integer, p_sha1_stored_key bytea, p_sha1_server_key bytea)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.account_insert(directory.fold(directory.local_of(p_login)),
            directory.need_domain(directory.domain_of(p_login)), p_display_name, p_quota_bytes, p_enabled);
  PERFORM directory.credential_put(v_id, p_scheme, p_hash,
            p_sha256_salt, p_sha256_iterations, p_sha256_stored_key, p_sha256_server_key,
            p_sha1_salt, p_sha1_iterations, p_sha1_stored_key, p_sha1_server_key);
  RETURN v_id;
END $$;

CREATE FUNCTION directory.account_update_v1(p_login text, p_display_name text, p_quota_bytes bigint,
                                            p_enabled boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  UPDATE directory.account SET display_name = coalesce(p_display_name, display_name),
         quota_bytes = coalesce(p_quota_bytes, quota_bytes), enabled = coalesce(p_enabled, enabled),
         epoch = epoch + 1 WHERE id = v_id;
  IF p_quota_bytes IS NOT NULL THEN
    PERFORM mail.account_quota_v1(v_id, nullif(p_quota_bytes, 0), q.quota_messages, q.quota_mailboxes)
       FROM mail.quota_v1(v_id) q;
  END IF;
END $$;

CREATE FUNCTION directory.account_rename_v1(p_login text, p_new_login text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  UPDATE directory.address SET local_part = directory.fold(directory.local_of(p_new_login)),
         domain_id = directory.need_domain(directory.domain_of(p_new_login)) WHERE account_id = v_id;
  UPDATE directory.account SET epoch = epoch + 1 WHERE id = v_id;
END $$;

CREATE FUNCTION directory.account_delete_v1(p_login text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  DELETE FROM directory.account WHERE id = v_id;
  -- The store takes what is left of the mail away by itself where it has a function for it.
  IF to_regprocedure('mail.account_delete_v1(bigint)') IS NOT NULL THEN
    EXECUTE 'SELECT mail.account_delete_v1($1)' USING v_id;
  END IF;
  RETURN v_id;
END $$;

-- p_domain '' lists all; p_match is a piece of login or name. Ordered by id; p_after is the last id seen.
CREATE FUNCTION directory.account_list_v1(p_domain text, p_match text, p_after bigint, p_limit integer)
RETURNS TABLE (id bigint, login text, display_name text, enabled boolean, quota_bytes bigint, epoch bigint,
               scheme text, hash text, scram boolean, app_passwords bigint, created_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT acc.id, a.local_part || '@' || d.name, acc.display_name, acc.enabled, acc.quota_bytes, acc.epoch,
         coalesce(c.scheme, ''), coalesce(c.hash, ''), c.sha256_salt IS NOT NULL,
         (SELECT count(*) FROM directory.app_password p WHERE p.account_id = acc.id),
         directory.us(acc.created_at)
    FROM directory.account acc
    JOIN directory.address a ON a.account_id = acc.id
    JOIN directory.domain d ON d.id = a.domain_id
    LEFT JOIN directory.credential c ON c.account_id = acc.id
   WHERE acc.id > p_after AND (p_domain = '' OR d.name = p_domain)
     AND (p_match = '' OR strpos(a.local_part || '@' || d.name, lower(p_match)) > 0
          OR strpos(lower(acc.display_name), lower(p_match)) > 0)
   ORDER BY acc.id LIMIT least(p_limit, 1000)
$$;

CREATE FUNCTION directory.account_get_v1(p_login text)
RETURNS TABLE (id bigint, login text, display_name text, enabled boolean, quota_bytes bigint, epoch bigint,
               scheme text, hash text, scram boolean, app_passwords bigint, created_us bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM directory.account_list_v1('', '', directory.need_account(p_login) - 1, 1);
END $$;

CREATE FUNCTION directory.password_set_v1(
  p_login text, p_scheme text, p_hash text,
  p_sha256_salt bytea, p_sha256_iterations integer, p_sha256_stored_key bytea, p_sha256_server_key bytea,
  p_sha1_salt bytea, p_sha1_iterations integer, p_sha1_stored_key bytea, p_sha1_server_key bytea)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  PERFORM directory.credential_put(v_id, p_scheme, p_hash,
            p_sha256_salt, p_sha256_iterations, p_sha256_stored_key, p_sha256_server_key,
            p_sha1_salt, p_sha1_iterations, p_sha1_stored_key, p_sha1_server_key);
  UPDATE directory.account SET epoch = epoch + 1 WHERE id = v_id;
END $$;

CREATE FUNCTION directory.app_password_create_v1(p_login text, p_hash bytea, p_label text, p_scopes text,
                                                 p_expires_us bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint; v_new bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  IF (SELECT count(*) FROM directory.app_password WHERE account_id = v_id) >= 100 THEN
    RAISE EXCEPTION 'at most 100 app passwords an account' USING ERRCODE = 'DRINV';
  END IF;
  INSERT INTO directory.app_password (account_id, hash, label, scopes, expires_at)
    VALUES (v_id, p_hash, p_label, string_to_array(p_scopes, ' '), directory.from_us(p_expires_us))
    RETURNING id INTO v_new;
  RETURN v_new;
END $$;

CREATE FUNCTION directory.app_password_list_v1(p_login text)
RETURNS TABLE (id bigint, label text, scopes text, expires_us bigint, created_us bigint, last_used_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT p.id, p.label, array_to_string(p.scopes, ' '), directory.us(p.expires_at),
         directory.us(p.created_at), directory.us(p.last_used)
    FROM directory.app_password p WHERE p.account_id = directory.need_account(p_login) ORDER BY p.id
$$;

CREATE FUNCTION directory.app_password_delete_v1(p_login text, p_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint;
BEGIN
  PERFORM admin.epoch_bump();
  v_id := directory.need_account(p_login);
  DELETE FROM directory.app_password WHERE id = p_id AND account_id = v_id;
  IF NOT FOUND THEN RAISE EXCEPTION 'no such app password' USING ERRCODE = 'DRNOF'; END IF;
  UPDATE directory.account SET epoch = epoch + 1 WHERE id = v_id;
END $$;

CREATE FUNCTION directory.set_targets(p_address bigint, p_targets text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE
  v_text  text;
  v_local text;
  v_dom   text;
  v_id    bigint;
  v_is_local boolean;
  v_n     integer := 0;
BEGIN
  DELETE FROM directory.address_target WHERE address_id = p_address;
  FOREACH v_text IN ARRAY string_to_array(p_targets, E'\n') LOOP
    CONTINUE WHEN v_text = '';
    v_local := directory.local_of(v_text);
    v_dom := directory.domain_of(v_text);
    SELECT EXISTS (SELECT FROM directory.domain d WHERE d.name = v_dom) INTO v_is_local;
    SELECT a.id INTO v_id FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
     WHERE d.name = v_dom AND a.local_part = directory.fold(v_local);
    IF v_id = p_address THEN
      RAISE EXCEPTION 'an address cannot be its own target: %', v_text USING ERRCODE = 'DRINV';
    END IF;
    IF v_is_local AND v_id IS NULL
       AND (SELECT f.address_id FROM directory.find_address(v_local, v_dom) f) IS NULL THEN
      RAISE EXCEPTION 'no such local address: %', v_text USING ERRCODE = 'DRNOF';
    END IF;
    v_n := v_n + 1;
    INSERT INTO directory.address_target (address_id, position, target_id, target)
      VALUES (p_address, v_n, v_id, CASE WHEN v_id IS NULL THEN v_local || '@' || v_dom END)
      ON CONFLICT DO NOTHING;
  END LOOP;
  IF v_n = 0 THEN
    RAISE EXCEPTION 'an alias needs a target' USING ERRCODE = 'DRINV';
  END IF;
END $$;

-- Makes or replaces an alias, group or catch-all (empty local part). A login is never replaced, nor a kind.
CREATE FUNCTION directory.address_put_v1(p_kind text, p_local text, p_domain text, p_targets text,
                                         p_display_name text, p_send_as boolean, p_enabled boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
DECLARE v_id bigint; v_kind text;
BEGIN
  PERFORM admin.epoch_bump();
  IF p_kind NOT IN ('alias', 'group', 'catch_all') THEN
    RAISE EXCEPTION 'kind must be alias, group or catch_all' USING ERRCODE = 'DRINV';
  END IF;
  INSERT INTO directory.address AS a (domain_id, local_part, kind, send_as, display_name, enabled)
    VALUES (directory.need_domain(p_domain), directory.fold(p_local), p_kind, p_send_as, p_display_name,
            p_enabled)
    ON CONFLICT (domain_id, local_part) DO UPDATE
       SET send_as = p_send_as, display_name = p_display_name, enabled = p_enabled
    RETURNING a.id, a.kind INTO v_id, v_kind;
  IF v_kind <> p_kind THEN
    RAISE EXCEPTION 'the address is already of kind %', v_kind USING ERRCODE = 'DREXI';
  END IF;
  PERFORM directory.set_targets(v_id, p_targets);
  RETURN v_id;
END $$;

CREATE FUNCTION directory.address_delete_v1(p_local text, p_domain text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
BEGIN
  PERFORM admin.epoch_bump();
  DELETE FROM directory.address WHERE domain_id = directory.need_domain(p_domain)
     AND local_part = directory.fold(p_local) AND kind <> 'account';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such alias, group or catch-all' USING ERRCODE = 'DRNOF';
  END IF;
END $$;

CREATE FUNCTION directory.address_list_v1(p_domain text, p_kind text, p_after bigint, p_limit integer)
RETURNS TABLE (id bigint, address text, kind text, enabled boolean, send_as boolean, display_name text,
               targets text, created_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
  SELECT a.id, a.local_part || '@' || d.name, a.kind, a.enabled, a.send_as, a.display_name,
         directory.targets_text(a.id), directory.us(a.created_at)
    FROM directory.address a JOIN directory.domain d ON d.id = a.domain_id
   WHERE a.id > p_after AND a.kind <> 'account' AND (p_domain = '' OR d.name = p_domain)
     AND (p_kind = '' OR a.kind = p_kind)
   ORDER BY a.id LIMIT least(p_limit, 1000)
$$;

-- One call for many accounts. Rows: [{"login", "display_name", "quota_bytes", "enabled", "scheme", "hash",
-- "salt", "iterations", "stored_key", "server_key", "sha1": {...}}], binary as hex. A row that cannot be is
-- named with its reason and the others go in; nothing is replaced.
CREATE FUNCTION directory.account_import_v1(p_rows text)
RETURNS TABLE (row_number integer, account_id bigint, reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, directory, pg_temp AS $$
#variable_conflict use_column
DECLARE
  r        record;
  v_local  text;
  v_domain bigint;
BEGIN
  PERFORM admin.epoch_bump();
  FOR r IN SELECT value AS v, ordinality::integer AS n FROM jsonb_array_elements(p_rows::jsonb) WITH ORDINALITY
  LOOP
    row_number := r.n; account_id := NULL; reason := '';
    v_local := directory.fold(directory.local_of(r.v->>'login'));
    SELECT d.id INTO v_domain FROM directory.domain d WHERE d.name = directory.domain_of(r.v->>'login');
    IF v_local IS NULL OR NOT directory.is_local_part(v_local) THEN reason := 'invalid login';
    ELSIF v_domain IS NULL THEN reason := 'no such domain';
    ELSIF EXISTS (SELECT FROM directory.address a WHERE a.domain_id = v_domain AND a.local_part = v_local) THEN
      reason := 'already exists';
    ELSE
      account_id := directory.account_insert(v_local, v_domain, coalesce(r.v->>'display_name', ''),
        coalesce((r.v->>'quota_bytes')::bigint, 0), coalesce((r.v->>'enabled')::boolean, true));
      PERFORM directory.credential_put(account_id, r.v->>'scheme', r.v->>'hash',
        decode(r.v->>'salt', 'hex'), (r.v->>'iterations')::integer,
        decode(r.v->>'stored_key', 'hex'), decode(r.v->>'server_key', 'hex'),
        decode(r.v->'sha1'->>'salt', 'hex'), (r.v->'sha1'->>'iterations')::integer,
        decode(r.v->'sha1'->>'stored_key', 'hex'), decode(r.v->'sha1'->>'server_key', 'hex'));
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA directory FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  directory.domain_create_v1(text, boolean, boolean), directory.domain_update_v1(text, boolean, boolean),
  directory.domain_delete_v1(text), directory.domain_list_v1(text, integer),
  directory.account_create_v1(text, text, bigint, boolean, text, text, bytea, integer, bytea, bytea,
                              bytea, integer, bytea, bytea),
  directory.account_update_v1(text, text, bigint, boolean), directory.account_rename_v1(text, text),
  directory.account_delete_v1(text), directory.account_list_v1(text, text, bigint, integer),
  directory.account_get_v1(text),
  directory.password_set_v1(text, text, text, bytea, integer, bytea, bytea, bytea, integer, bytea, bytea),
  directory.app_password_create_v1(text, bytea, text, text, bigint), directory.app_password_list_v1(text),
  directory.app_password_delete_v1(text, bigint),
  directory.address_put_v1(text, text, text, text, text, boolean, boolean),
  directory.address_delete_v1(text, text), directory.address_list_v1(text, text, bigint, integer),
  directory.account_import_v1(text)
  TO dromos_admind;
