-- Who watches (NOTIFY: RFC 5465; unsolicited METADATA: RFC 5464 section 4.4.2) learns of annotations, of subscriptions to others'
-- mailboxes and of rights by the channel for all changes: hints, and the poll of modseqs behind lost ones.
--
-- An annotation moves the account's modseq and its annotation_modseq, no mailbox's and no JMAP state: no message and no property
-- that JMAP shows has changed.
SET LOCAL ROLE dromos_owner;

ALTER TABLE mail.account_state ADD COLUMN annotation_modseq mail.tally NOT NULL DEFAULT 0;
ALTER TABLE mail.annotation ADD COLUMN modseq mail.tally NOT NULL DEFAULT 0;  -- of its last change; 0: before there was one

CREATE FUNCTION mail.next_annotation_modseq(p_account bigint) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
  UPDATE account_state SET modseq = modseq + 1, annotation_modseq = modseq + 1 WHERE account_id = p_account RETURNING modseq
$$;

-- As v1; returns the modseq, NULL if nothing was there to be removed and nothing was to be set.
CREATE FUNCTION mail.annotation_set_v2(p_account bigint, p_mailbox bigint, p_reader bigint, p_names text[], p_values bytea[],
                                       p_removed text[], p_most integer, p_bytes bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_modseq bigint;
BEGIN
  PERFORM lock_account(p_account);
  IF p_mailbox <> 0 THEN
    PERFORM lock_mailbox(p_account, p_mailbox);
  END IF;
  DELETE FROM annotation a
  WHERE a.account_id = p_account AND a.mailbox_id IS NOT DISTINCT FROM nullif(p_mailbox, 0) AND a.name = ANY (p_names || p_removed)
    AND (a.reader_id IS NULL OR a.reader_id = p_reader);
  IF NOT FOUND AND cardinality(p_names) = 0 THEN
    RETURN NULL;
  END IF;
  v_modseq := next_annotation_modseq(p_account);
  INSERT INTO annotation (account_id, mailbox_id, reader_id, name, value, modseq)
  SELECT p_account, nullif(p_mailbox, 0), CASE WHEN n.name LIKE '/private/%' THEN p_reader END, n.name, n.value, v_modseq
  FROM unnest(p_names, p_values) AS n (name, value);
  IF cardinality(p_names) > 0 AND (
       EXISTS (SELECT FROM annotation a
               WHERE a.account_id = p_account AND a.mailbox_id IS NOT DISTINCT FROM nullif(p_mailbox, 0)
               GROUP BY a.reader_id HAVING count(*) > p_most)
       OR (SELECT sum(octet_length(a.name) + octet_length(a.value)) FROM annotation a WHERE a.account_id = p_account) > p_bytes) THEN
    RAISE EXCEPTION 'too many annotations' USING ERRCODE = 'DRQUO';
  END IF;
  RETURN v_modseq;
END
$$;

-- Daemons of the version before tell no modseq, but their changes move it.
CREATE OR REPLACE FUNCTION mail.annotation_set_v1(p_account bigint, p_mailbox bigint, p_reader bigint, p_names text[], p_values bytea[],
                                                  p_removed text[], p_most integer, p_bytes bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM annotation_set_v2(p_account, p_mailbox, p_reader, p_names, p_values, p_removed, p_most, p_bytes);
END
$$;

-- SUBSCRIBE and UNSUBSCRIBE of a mailbox of another. Returns the modseq of the reader's account, NULL if nothing changed.
CREATE FUNCTION mail.subscribe_v2(p_reader bigint, p_account bigint, p_mailbox bigint, p_wanted boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_modseq bigint;
BEGIN
  PERFORM lock_account(p_reader);
  IF p_wanted THEN
    INSERT INTO subscription VALUES (p_reader, p_account, p_mailbox) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM subscription s WHERE s.reader_id = p_reader AND s.account_id = p_account AND s.mailbox_id = p_mailbox;
  END IF;
  IF FOUND THEN
    UPDATE account_state SET modseq = modseq + 1 WHERE account_id = p_reader RETURNING modseq INTO v_modseq;
  END IF;
  RETURN v_modseq;
EXCEPTION WHEN foreign_key_violation THEN
  RAISE EXCEPTION 'no mailbox %', p_mailbox USING ERRCODE = 'DRNOF';
END
$$;

CREATE OR REPLACE FUNCTION mail.subscribe_v1(p_reader bigint, p_account bigint, p_mailbox bigint, p_wanted boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM subscribe_v2(p_reader, p_account, p_mailbox, p_wanted);
END
$$;

-- Rights: whom a change concerns (a group, anyone) costs more to tell than to look. One number for all of them, moved with each; the
-- row is locked last, by a writer that holds its accounts already.
CREATE TABLE mail.sharing_state (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  modseq   mail.modseq NOT NULL DEFAULT 1
);
INSERT INTO mail.sharing_state DEFAULT VALUES;

CREATE FUNCTION mail.sharing_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM touched) THEN  -- a cascade that found nothing moves nothing
    UPDATE sharing_state SET modseq = modseq + 1;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER acl_granted AFTER INSERT ON mail.acl REFERENCING NEW TABLE AS touched
FOR EACH STATEMENT EXECUTE FUNCTION mail.sharing_moved();
CREATE TRIGGER acl_taken AFTER DELETE ON mail.acl REFERENCING OLD TABLE AS touched
FOR EACH STATEMENT EXECUTE FUNCTION mail.sharing_moved();

CREATE FUNCTION mail.sharing_modseq_v1() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT modseq FROM sharing_state
$$;

REVOKE ALL ON FUNCTION mail.next_annotation_modseq(bigint), mail.sharing_moved(), mail.sharing_modseq_v1(),
  mail.annotation_set_v2(bigint, bigint, bigint, text[], bytea[], text[], integer, bigint),
  mail.subscribe_v2(bigint, bigint, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.sharing_modseq_v1(),
  mail.annotation_set_v2(bigint, bigint, bigint, text[], bytea[], text[], integer, bigint),
  mail.subscribe_v2(bigint, bigint, bigint, boolean) TO dromos_imapd;
