-- Keys of URLAUTH (RFC 4467 section 2.2): one a mailbox, secret, made when the first URL is; taking it away revokes all URLs.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.url_key (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  key        bytea NOT NULL CHECK (octet_length(key) = 32),
  PRIMARY KEY (account_id, mailbox_id),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE
);

-- The key of a mailbox; p_key if there is none yet.
CREATE FUNCTION mail.url_key_make_v1(p_account bigint, p_mailbox bigint, p_key bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_mailbox);
  INSERT INTO url_key (account_id, mailbox_id, key) VALUES (p_account, p_mailbox, p_key) ON CONFLICT DO NOTHING;
  RETURN (SELECT k.key FROM url_key k WHERE k.account_id = p_account AND k.mailbox_id = p_mailbox);
END
$$;

CREATE FUNCTION mail.url_key_v1(p_account bigint, p_mailbox bigint) RETURNS bytea LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT k.key FROM url_key k WHERE k.account_id = p_account AND k.mailbox_id = p_mailbox
$$;

-- p_mailbox 0: of all mailboxes.
CREATE FUNCTION mail.url_key_reset_v1(p_account bigint, p_mailbox bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM lock_account(p_account);
  DELETE FROM url_key k WHERE k.account_id = p_account AND (p_mailbox = 0 OR k.mailbox_id = p_mailbox);
END
$$;

REVOKE ALL ON FUNCTION mail.url_key_make_v1(bigint, bigint, bytea), mail.url_key_v1(bigint, bigint), mail.url_key_reset_v1(bigint, bigint)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.url_key_make_v1(bigint, bigint, bytea), mail.url_key_v1(bigint, bigint),
  mail.url_key_reset_v1(bigint, bigint) TO dromos_imapd;
