-- Annotations of mailboxes and of the server (RFC 5464). They belong to a mailbox by its id, so they follow RENAME and go with
-- DELETE.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.annotation (
  account_id bigint NOT NULL REFERENCES mail.account_state ON DELETE CASCADE,  -- whose mailbox
  mailbox_id bigint,                                                           -- NULL: the server, as the account sees it
  reader_id  bigint REFERENCES mail.account_state ON DELETE CASCADE,           -- /private of that account; NULL: /shared
  name       text COLLATE "C" NOT NULL CHECK (name ~ '^/(private|shared)/' AND octet_length(name) <= 1024),
  value      bytea NOT NULL,
  CHECK ((reader_id IS NULL) = (name LIKE '/shared/%')),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE,
  CONSTRAINT annotation_unique UNIQUE NULLS NOT DISTINCT (account_id, mailbox_id, reader_id, name)
);
CREATE INDEX annotation_reader ON mail.annotation (reader_id) WHERE reader_id IS NOT NULL;
GRANT SELECT ON mail.annotation TO dromos_imapd;

-- Sets p_names to p_values and removes p_removed; all or none. p_mailbox 0: the server. DRQUO: more than p_most entries of one
-- scope on one mailbox, or more than p_bytes in all mailboxes of the account.
CREATE FUNCTION mail.annotation_set_v1(p_account bigint, p_mailbox bigint, p_reader bigint, p_names text[], p_values bytea[],
                                       p_removed text[], p_most integer, p_bytes bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM lock_account(p_account);
  IF p_mailbox <> 0 THEN
    PERFORM lock_mailbox(p_account, p_mailbox);
  END IF;
  DELETE FROM annotation a
  WHERE a.account_id = p_account AND a.mailbox_id IS NOT DISTINCT FROM nullif(p_mailbox, 0) AND a.name = ANY (p_names || p_removed)
    AND (a.reader_id IS NULL OR a.reader_id = p_reader);
  INSERT INTO annotation (account_id, mailbox_id, reader_id, name, value)
  SELECT p_account, nullif(p_mailbox, 0), CASE WHEN n.name LIKE '/private/%' THEN p_reader END, n.name, n.value
  FROM unnest(p_names, p_values) AS n (name, value);
  IF cardinality(p_names) > 0 AND (
       EXISTS (SELECT FROM annotation a
               WHERE a.account_id = p_account AND a.mailbox_id IS NOT DISTINCT FROM nullif(p_mailbox, 0)
               GROUP BY a.reader_id HAVING count(*) > p_most)
       OR (SELECT sum(octet_length(a.name) + octet_length(a.value)) FROM annotation a WHERE a.account_id = p_account) > p_bytes) THEN
    RAISE EXCEPTION 'too many annotations' USING ERRCODE = 'DRQUO';
  END IF;
END
$$;

-- What a mailbox has, to another one (RENAME of INBOX: RFC 5464 section 4.1).
CREATE FUNCTION mail.annotation_copy_v1(p_account bigint, p_from bigint, p_to bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM lock_account(p_account);
  PERFORM lock_mailbox(p_account, p_to);
  INSERT INTO annotation (account_id, mailbox_id, reader_id, name, value)
  SELECT a.account_id, p_to, a.reader_id, a.name, a.value FROM annotation a WHERE a.account_id = p_account AND a.mailbox_id = p_from
  ON CONFLICT DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION mail.annotation_set_v1(bigint, bigint, bigint, text[], bytea[], text[], integer, bigint),
  mail.annotation_copy_v1(bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.annotation_set_v1(bigint, bigint, bigint, text[], bytea[], text[], integer, bigint),
  mail.annotation_copy_v1(bigint, bigint, bigint) TO dromos_imapd;
