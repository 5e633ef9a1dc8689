-- Administrators, API keys, settings, idempotency keys and the audit log. Only admind (and dromosctl over the
-- owner's connection) may change them; the daemons read settings and judge API keys through functions.

CREATE TABLE admin.administrator (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9@._-]{0,253}$'),
  role       text COLLATE "C" NOT NULL CHECK (role IN ('owner', 'operator', 'auditor')),
  hash       text COLLATE "C" NOT NULL CHECK (hash = '' OR hash LIKE '$argon2id$%'),  -- '': API keys only
  enabled    boolean NOT NULL DEFAULT true,
  epoch      bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION admin.are_scopes(p_scopes text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT cardinality(p_scopes) BETWEEN 1 AND 32
     AND array_to_string(p_scopes, ' ', '?') ~ '^[a-z0-9_*-]{1,32}(:[a-z0-9_*-]{1,32})?( [a-z0-9_*-]{1,32}(:[a-z0-9_*-]{1,32})?)*$'
$$;

-- A bearer token for REST and JMAP, of an account or an administrator. Only SHA-256 of its 16 random bytes is kept.
CREATE TABLE admin.api_key (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  administrator_id bigint REFERENCES admin.administrator (id) ON DELETE CASCADE,
  account_id       bigint REFERENCES directory.account (id) ON DELETE CASCADE,
  hash             bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  label            text NOT NULL CHECK (octet_length(label) <= 200),
  scopes           text[] NOT NULL CHECK (admin.are_scopes(scopes)),
  expires_at       timestamptz,
  created_at       timestamptz NOT NULL DEFAULT now(),
  last_used        timestamptz,
  CHECK ((administrator_id IS NULL) <> (account_id IS NULL))
);
CREATE INDEX api_key_account ON admin.api_key (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX api_key_administrator ON admin.api_key (administrator_id) WHERE administrator_id IS NOT NULL;

CREATE TABLE admin.setting (
  key        text COLLATE "C" PRIMARY KEY CHECK (key ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$' AND octet_length(key) <= 200),
  value      jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON admin.setting
  FOR EACH STATEMENT EXECUTE FUNCTION admin.epoch_bump_trigger();

CREATE TABLE admin.idempotency (
  actor        text COLLATE "C" NOT NULL CHECK (octet_length(actor) <= 300),
  key          text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
  request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  status       integer,  -- NULL while the first request runs
  response     bytea,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_age ON admin.idempotency (created_at);

CREATE TABLE admin.audit (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT now(),
  actor  text COLLATE "C" NOT NULL,
  remote text COLLATE "C" NOT NULL DEFAULT '',
  action text COLLATE "C" NOT NULL,
  object text NOT NULL DEFAULT '',
  detail jsonb NOT NULL DEFAULT '{}',
  trace  uuid
);
CREATE INDEX audit_object ON admin.audit (object, id);

CREATE FUNCTION admin.administrator_create_v1(p_name text, p_role text, p_hash text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  INSERT INTO admin.administrator (name, role, hash) VALUES (p_name, p_role, p_hash) RETURNING id
$$;

-- NULL leaves a property as it is.
CREATE FUNCTION admin.administrator_update_v1(p_name text, p_role text, p_hash text, p_enabled boolean)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH u AS (
    UPDATE admin.administrator SET role = coalesce(p_role, role), hash = coalesce(p_hash, hash),
           enabled = coalesce(p_enabled, enabled), epoch = epoch + 1 WHERE name = p_name RETURNING 1)
  SELECT EXISTS (SELECT FROM u)
$$;

CREATE FUNCTION admin.administrator_delete_v1(p_name text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH d AS (DELETE FROM admin.administrator WHERE name = p_name RETURNING 1) SELECT EXISTS (SELECT FROM d)
$$;

CREATE FUNCTION admin.administrator_lookup_v1(p_name text)
RETURNS TABLE (id bigint, name text, role text, hash text, enabled boolean, epoch bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT id, name, role, hash, enabled, epoch FROM admin.administrator WHERE name = lower(p_name)
$$;

CREATE FUNCTION admin.administrator_list_v1()
RETURNS TABLE (id bigint, name text, role text, enabled boolean, created_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT id, name, role, enabled, directory.us(created_at) FROM admin.administrator ORDER BY name LIMIT 1000
$$;

-- Owner: a login for account keys, an administrator's name otherwise.
CREATE FUNCTION admin.api_key_create_v1(p_for_account boolean, p_owner text, p_hash bytea, p_label text,
                                        p_scopes text, p_expires_us bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
DECLARE v_id bigint; v_account bigint; v_admin bigint;
BEGIN
  IF p_for_account THEN v_account := directory.need_account(p_owner);
  ELSE
    SELECT id INTO v_admin FROM admin.administrator WHERE name = p_owner;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such administrator: %', p_owner USING ERRCODE = 'DRNOF';
    END IF;
  END IF;
  IF (SELECT count(*) FROM admin.api_key WHERE account_id = v_account OR administrator_id = v_admin) >= 100 THEN
    RAISE EXCEPTION 'at most 100 API keys an owner' USING ERRCODE = 'DRINV';
  END IF;
  INSERT INTO admin.api_key (administrator_id, account_id, hash, label, scopes, expires_at)
    VALUES (v_admin, v_account, p_hash, p_label, string_to_array(p_scopes, ' '), directory.from_us(p_expires_us))
    RETURNING id INTO v_id;
  RETURN v_id;
END $$;

CREATE FUNCTION admin.api_key_list_v1(p_for_account boolean, p_owner text)
RETURNS TABLE (id bigint, label text, scopes text, expires_us bigint, created_us bigint, last_used_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT k.id, k.label, array_to_string(k.scopes, ' '), directory.us(k.expires_at), directory.us(k.created_at),
         directory.us(k.last_used)
    FROM admin.api_key k
   WHERE CASE WHEN p_for_account THEN k.account_id = directory.need_account(p_owner)
              ELSE k.administrator_id = (SELECT id FROM admin.administrator WHERE name = p_owner) END
   ORDER BY k.id
$$;

CREATE FUNCTION admin.api_key_delete_v1(p_id bigint) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH d AS (DELETE FROM admin.api_key WHERE id = p_id RETURNING 1) SELECT EXISTS (SELECT FROM d)
$$;

-- Who holds this key: nothing for unknown, expired or disabled. Marks its use at most once an hour.
CREATE FUNCTION admin.api_key_lookup_v1(p_hash bytea)
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
     AND coalesce(ad.enabled, acc.enabled AND a.enabled AND d.enabled, false);
  IF NOT FOUND THEN RETURN; END IF;
  IF v_used IS NULL OR v_used < now() - interval '1 hour' THEN
    UPDATE admin.api_key SET last_used = now() WHERE id = key_id;
  END IF;
  RETURN NEXT;
END $$;

CREATE FUNCTION admin.setting_put_v1(p_key text, p_value text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  INSERT INTO admin.setting (key, value) VALUES (p_key, p_value::jsonb)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_at = now()
$$;

CREATE FUNCTION admin.setting_delete_v1(p_key text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH d AS (DELETE FROM admin.setting WHERE key = p_key RETURNING 1) SELECT EXISTS (SELECT FROM d)
$$;

-- Settings are policy, never secrets: every daemon reads all of them.
CREATE FUNCTION admin.settings_v1() RETURNS TABLE (key text, value text, epoch bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT s.key, s.value::text, e.value FROM admin.config_epoch e JOIN admin.setting s ON true ORDER BY s.key
$$;

-- new: go on, then finish. busy: the first request still runs. done: answer with what is stored. mismatch: the
-- key was used for another request. A run that never finished is taken over after 10 minutes.
CREATE FUNCTION admin.idempotency_begin_v1(p_actor text, p_key text, p_request_hash bytea)
RETURNS TABLE (state text, status integer, response bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
#variable_conflict use_column
DECLARE r record;
BEGIN
  INSERT INTO admin.idempotency (actor, key, request_hash) VALUES (p_actor, p_key, p_request_hash)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN QUERY SELECT 'new', NULL::integer, NULL::bytea; RETURN; END IF;
  SELECT * INTO r FROM admin.idempotency i WHERE i.actor = p_actor AND i.key = p_key FOR UPDATE;
  IF r.request_hash <> p_request_hash THEN RETURN QUERY SELECT 'mismatch', NULL::integer, NULL::bytea;
  ELSIF r.status IS NOT NULL THEN RETURN QUERY SELECT 'done', r.status, r.response;
  ELSIF r.created_at < now() - interval '10 minutes' THEN
    UPDATE admin.idempotency i SET created_at = now() WHERE i.actor = p_actor AND i.key = p_key;
    RETURN QUERY SELECT 'new', NULL::integer, NULL::bytea;
  ELSE RETURN QUERY SELECT 'busy', NULL::integer, NULL::bytea;
  END IF;
END $$;

CREATE FUNCTION admin.idempotency_finish_v1(p_actor text, p_key text, p_status integer, p_response bytea)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  UPDATE admin.idempotency SET status = p_status, response = p_response WHERE actor = p_actor AND key = p_key
$$;

-- Housekeeping, in slices; returns how many rows went.
CREATE FUNCTION admin.idempotency_trim_v1(p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  WITH d AS (
    DELETE FROM admin.idempotency WHERE (actor, key) IN
      (SELECT actor, key FROM admin.idempotency WHERE created_at < now() - interval '1 day' LIMIT p_limit)
    RETURNING 1)
  SELECT count(*) FROM d
$$;

CREATE FUNCTION admin.audit_v1(p_actor text, p_remote text, p_action text, p_object text, p_detail text,
                               p_trace uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  INSERT INTO admin.audit (actor, remote, action, object, detail, trace)
    VALUES (p_actor, p_remote, p_action, p_object, p_detail::jsonb, p_trace)
$$;

-- Newest first; p_before is the last id seen (NULL: from the newest); p_object '' is all.
CREATE FUNCTION admin.audit_list_v1(p_object text, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at_us bigint, actor text, remote text, action text, object text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, admin, pg_temp AS $$
  SELECT id, directory.us(at), actor, remote, action, object, detail::text FROM admin.audit
   WHERE (p_before IS NULL OR id < p_before) AND (p_object = '' OR object = p_object)
   ORDER BY id DESC LIMIT least(p_limit, 1000)
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA admin FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA admin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  admin.administrator_create_v1(text, text, text), admin.administrator_update_v1(text, text, text, boolean),
  admin.administrator_delete_v1(text), admin.administrator_lookup_v1(text), admin.administrator_list_v1(),
  admin.api_key_create_v1(boolean, text, bytea, text, text, bigint), admin.api_key_list_v1(boolean, text),
  admin.api_key_delete_v1(bigint), admin.setting_put_v1(text, text), admin.setting_delete_v1(text),
  admin.idempotency_begin_v1(text, text, bytea), admin.idempotency_finish_v1(text, text, integer, bytea),
  admin.idempotency_trim_v1(integer), admin.audit_v1(text, text, text, text, text, uuid),
  admin.audit_list_v1(text, bigint, integer)
  TO dromos_admind;
GRANT EXECUTE ON FUNCTION admin.settings_v1()
  TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
GRANT EXECUTE ON FUNCTION admin.api_key_lookup_v1(bytea) TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_admind;
