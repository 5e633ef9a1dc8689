-- Who exists: domains, accounts, addresses, and what proves an identity. No daemon role holds any right on these
-- tables; the functions of 0012 (lookups) and 0013 (administration) are the only doors.
-- Addresses are stored folded: domains as lower-case A-labels, local parts NFC and lower-case (directory.fold).

-- ASCII stays on the cheap path; anything else is folded by Unicode's rules, so that the owner of "Jörg" gets
-- mail for "JÖRG" (RFC 6531 leaves it to the receiver).
CREATE FUNCTION directory.fold(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = char_length(p_text) THEN lower(p_text COLLATE "C")
              ELSE lower(normalize(p_text, NFC) COLLATE "und-x-icu") COLLATE "C" END
$$;

CREATE FUNCTION directory.local_of(p_address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN p_address ~ '@' THEN regexp_replace(p_address, '@[^@]*$', '') ELSE p_address END
$$;
CREATE FUNCTION directory.domain_of(p_address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN p_address ~ '@' THEN substring(p_address from '@([^@]*)$') ELSE '' END
$$;
CREATE FUNCTION directory.is_domain(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT octet_length(p_text) BETWEEN 1 AND 253
     AND p_text ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
$$;
CREATE FUNCTION directory.is_local_part(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT octet_length(p_text) BETWEEN 1 AND 64 AND p_text !~ '[\x01-\x20\x7f"<>@\\]'
$$;

CREATE TABLE directory.domain (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (directory.is_domain(name)),
  enabled    boolean NOT NULL DEFAULT true,
  scram_sha1 boolean NOT NULL DEFAULT false,  -- whether SCRAM-SHA-1 verifiers are kept for its accounts
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE directory.account (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- never given twice
  display_name text NOT NULL DEFAULT '' CHECK (octet_length(display_name) <= 1000),
  enabled      boolean NOT NULL DEFAULT true,
  quota_bytes  bigint NOT NULL DEFAULT 0 CHECK (quota_bytes >= 0),  -- 0: no limit
  epoch        bigint NOT NULL DEFAULT 1,  -- grows whenever what proves this identity changes
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- One name space for all that can stand before the @. The empty local part is the domain's catch-all.
CREATE TABLE directory.address (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain_id    bigint NOT NULL REFERENCES directory.domain (id),
  local_part   text COLLATE "C" NOT NULL,
  kind         text COLLATE "C" NOT NULL CHECK (kind IN ('account', 'alias', 'group', 'catch_all')),
  account_id   bigint REFERENCES directory.account (id) ON DELETE CASCADE,  -- whose login this is
  enabled      boolean NOT NULL DEFAULT true,
  send_as      boolean NOT NULL,  -- its targets may write in its name
  display_name text NOT NULL DEFAULT '' CHECK (octet_length(display_name) <= 1000),
  created_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (domain_id, local_part),
  CHECK ((kind = 'account') = (account_id IS NOT NULL)),
  CHECK ((kind = 'catch_all') = (local_part = '')),
  CHECK (kind = 'catch_all' OR directory.is_local_part(local_part)),
  CHECK (kind = 'catch_all' OR local_part = directory.fold(local_part))
);
CREATE UNIQUE INDEX address_login ON directory.address (account_id) WHERE account_id IS NOT NULL;

-- Where an alias, group or catch-all leads: to one of our addresses by key, or to any other by name.
CREATE TABLE directory.address_target (
  address_id bigint NOT NULL REFERENCES directory.address (id) ON DELETE CASCADE,
  position   integer NOT NULL CHECK (position BETWEEN 1 AND 1000),
  target_id  bigint REFERENCES directory.address (id) ON DELETE CASCADE,
  target     text COLLATE "C" CHECK (octet_length(target) <= 320
                                     AND directory.is_domain(directory.domain_of(target))
                                     AND directory.is_local_part(directory.local_of(target))),
  PRIMARY KEY (address_id, position),
  UNIQUE (address_id, target_id),
  UNIQUE (address_id, target),
  CHECK ((target_id IS NULL) <> (target IS NULL)),
  CHECK (target_id <> address_id)
);
CREATE INDEX address_target_reverse ON directory.address_target (target_id) WHERE target_id IS NOT NULL;

-- The password. `hash` carries its cost (PHC or crypt text). Scheme 'scram' has none: the SCRAM verifier is all
-- there is, until the next login in the clear adds an argon2id hash (bulk import uses it).
CREATE TABLE directory.credential (
  account_id        bigint PRIMARY KEY REFERENCES directory.account (id) ON DELETE CASCADE,
  scheme            text COLLATE "C" NOT NULL CHECK (scheme IN ('argon2id', 'crypt', 'scram')),
  hash              text COLLATE "C" NOT NULL CHECK (octet_length(hash) <= 512),
  sha256_salt       bytea, sha256_iterations integer, sha256_stored_key bytea, sha256_server_key bytea,
  sha1_salt         bytea, sha1_iterations integer, sha1_stored_key bytea, sha1_server_key bytea,
  changed_at        timestamptz NOT NULL DEFAULT now(),
  CHECK (CASE scheme WHEN 'argon2id' THEN hash LIKE '$argon2id$%' WHEN 'crypt' THEN hash LIKE '$%' ELSE hash = '' END),
  CHECK (num_nulls(sha256_salt, sha256_iterations, sha256_stored_key, sha256_server_key) IN (0, 4)),
  CHECK (num_nulls(sha1_salt, sha1_iterations, sha1_stored_key, sha1_server_key) IN (0, 4)),
  CHECK (scheme <> 'scram' OR sha256_salt IS NOT NULL),
  CHECK (sha256_iterations BETWEEN 4096 AND 10000000 AND octet_length(sha256_salt) BETWEEN 8 AND 64
         AND octet_length(sha256_stored_key) = 32 AND octet_length(sha256_server_key) = 32),
  CHECK (sha1_iterations BETWEEN 4096 AND 10000000 AND octet_length(sha1_salt) BETWEEN 8 AND 64
         AND octet_length(sha1_stored_key) = 20 AND octet_length(sha1_server_key) = 20)
);

CREATE FUNCTION directory.are_scopes(p_scopes text[], p_allowed text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT cardinality(p_scopes) BETWEEN 1 AND 16 AND p_scopes <@ p_allowed
$$;

CREATE TABLE directory.app_password (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES directory.account (id) ON DELETE CASCADE,
  hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),  -- SHA-256 of 16 random bytes
  label      text NOT NULL CHECK (octet_length(label) <= 200),
  scopes     text[] NOT NULL CHECK (directory.are_scopes(scopes, '{imap,smtp,pop3,jmap}')),
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used  timestamptz
);
CREATE INDEX app_password_account ON directory.app_password (account_id);

-- One row: what all processes must agree on. The key makes salts for logins that do not exist, so that SCRAM
-- (RFC 5802) tells nobody who exists.
CREATE TABLE directory.secret (
  one       boolean PRIMARY KEY DEFAULT true CHECK (one),
  scram_key bytea NOT NULL CHECK (octet_length(scram_key) = 32)
);
INSERT INTO directory.secret (scram_key)
  VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON directory.domain
  FOR EACH STATEMENT EXECUTE FUNCTION admin.epoch_bump_trigger();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON directory.account
  FOR EACH STATEMENT EXECUTE FUNCTION admin.epoch_bump_trigger();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON directory.address
  FOR EACH STATEMENT EXECUTE FUNCTION admin.epoch_bump_trigger();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON directory.address_target
  FOR EACH STATEMENT EXECUTE FUNCTION admin.epoch_bump_trigger();

REVOKE ALL ON ALL TABLES IN SCHEMA directory FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA directory FROM PUBLIC;
GRANT USAGE ON SCHEMA directory TO dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind;
