-- Text of PDF and Office attachments: which messages have such attachments, and what became of them. The text itself goes
-- into mail.text_extract, and its words into the index, so that every search finds it where it finds the rest.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.attachment_text (
  account_id bigint NOT NULL,
  message_id uuid NOT NULL,
  waiting    boolean NOT NULL DEFAULT true,
  attempts   smallint NOT NULL DEFAULT 0,  -- begun, since it was asked for
  texts      smallint NOT NULL DEFAULT 0,  -- attachments that gave text
  failures   smallint NOT NULL DEFAULT 0,  -- that gave none
  reason     text COLLATE "C",             -- of the first failure
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (account_id, message_id)
);
CREATE INDEX attachment_text_waiting ON mail.attachment_text (account_id, message_id) WHERE waiting;
REVOKE ALL ON mail.attachment_text FROM PUBLIC;

-- What is kept of a message for searching goes with it.
CREATE OR REPLACE FUNCTION mail.word_index_forget() RETURNS trigger LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_account bigint;
  v_ids uuid[];
BEGIN
  FOR v_account, v_ids IN SELECT g.account_id, array_agg(g.message_id) FROM gone g GROUP BY 1 ORDER BY 1 LOOP
    DELETE FROM word_index w WHERE w.account_id = v_account AND w.message_id = ANY (v_ids);
    DELETE FROM attachment_text t WHERE t.account_id = v_account AND t.message_id = ANY (v_ids);
  END LOOP;
  RETURN NULL;
END
$$;

-- These messages have attachments to be read; p_again: even if they were read before.
CREATE FUNCTION mail.attachment_wait_v1(p_account bigint, p_ids uuid[], p_again boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_count bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO attachment_text AS t (account_id, message_id)
  SELECT p_account, l.message_id FROM (
    SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids)
    ORDER BY m.message_id FOR KEY SHARE SKIP LOCKED) l
  ON CONFLICT (account_id, message_id) DO UPDATE SET waiting = true, attempts = 0, at = clock_timestamp() WHERE p_again;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- The newest waiting message of the next account in turn (cross-account: nobody's heap of documents keeps the others waiting).
CREATE FUNCTION mail.attachment_next_v1(p_after bigint) RETURNS TABLE (account_id bigint, message_id uuid) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_account bigint;
BEGIN
  SELECT t.account_id INTO v_account FROM attachment_text t WHERE t.waiting AND t.account_id > p_after ORDER BY t.account_id LIMIT 1;
  IF NOT FOUND THEN
    SELECT t.account_id INTO v_account FROM attachment_text t WHERE t.waiting ORDER BY t.account_id LIMIT 1;
  END IF;
  RETURN QUERY SELECT t.account_id, t.message_id FROM attachment_text t WHERE t.waiting AND t.account_id = v_account
  ORDER BY t.account_id DESC, t.message_id DESC LIMIT 1;
END
$$;

-- Counts an attempt before it is made, so that a message that ends its reader is not read for ever. False: it is gone or done,
-- or was given up.
CREATE FUNCTION mail.attachment_begin_v1(p_account bigint, p_id uuid, p_most integer) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_waiting boolean;
BEGIN
  UPDATE attachment_text t SET attempts = t.attempts + 1, waiting = t.attempts < p_most, at = clock_timestamp(),
    reason = CASE WHEN t.attempts < p_most THEN t.reason ELSE 'given up' END
  WHERE t.account_id = p_account AND t.message_id = p_id AND t.waiting RETURNING t.waiting INTO v_waiting;
  RETURN coalesce(v_waiting, false);
END
$$;

-- A message's text with that of its attachments (NULL: there is none to write). Its words leave the index: the caller puts
-- the new ones in the same transaction. Returns where the message is shown; nothing if a deletion holds it: it waits on.
CREATE FUNCTION mail.attachment_put_v1(p_account bigint, p_id uuid, p_texts integer, p_failures integer, p_reason text, p_codec smallint,
                                       p_truncated boolean, p_data bytea)
RETURNS TABLE (mailbox_id bigint, uid bigint) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM FROM message m WHERE m.account_id = p_account AND m.message_id = p_id FOR KEY SHARE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF p_data IS NOT NULL THEN
    INSERT INTO text_extract AS t (account_id, message_id, codec, truncated, data) VALUES (p_account, p_id, p_codec, p_truncated, p_data)
    ON CONFLICT (account_id, message_id) DO UPDATE SET codec = excluded.codec, truncated = excluded.truncated, data = excluded.data,
      dict_id = 0, key_id = 0;
    PERFORM FROM word_state s WHERE s.account_id = p_account FOR UPDATE;  -- as word_index_put_v1 does
    DELETE FROM word_index w WHERE w.account_id = p_account AND w.message_id = p_id;
  END IF;
  UPDATE attachment_text t SET waiting = false, texts = p_texts, failures = p_failures, reason = p_reason, at = clock_timestamp()
  WHERE t.account_id = p_account AND t.message_id = p_id;
  RETURN QUERY SELECT e.mailbox_id::bigint, e.uid::bigint FROM entry e WHERE e.account_id = p_account AND e.message_id = p_id;
END
$$;

-- As reindex_put_v1; p_later are messages of the step whose text is made when their attachments are read again, until when
-- they keep the one they have.
CREATE FUNCTION mail.reindex_put_v2(p_account bigint, p_after uuid, p_seen bigint, p_ids uuid[], p_codec smallint, p_truncated boolean[],
                                    p_data bytea[], p_later uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_live uuid[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT array_agg(l.message_id) INTO v_live FROM (
    SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids)
    ORDER BY m.message_id FOR KEY SHARE SKIP LOCKED) l;  -- what is being deleted needs no text
  INSERT INTO text_extract AS t (account_id, message_id, codec, truncated, data)
  SELECT p_account, d.id, p_codec, d.truncated, d.data FROM unnest(p_ids, p_truncated, p_data) AS d (id, truncated, data)
  WHERE d.id = ANY (v_live) ORDER BY d.id
  ON CONFLICT (account_id, message_id) DO UPDATE SET codec = excluded.codec, truncated = excluded.truncated, data = excluded.data,
    dict_id = 0, key_id = 0
    WHERE (t.codec, t.truncated, t.data) IS DISTINCT FROM (excluded.codec, excluded.truncated, excluded.data);
  UPDATE word_state s SET modseq = 0 WHERE s.account_id = p_account;
  DELETE FROM word_index w WHERE w.account_id = p_account AND w.message_id = ANY (v_live);
  PERFORM attachment_wait_v1(p_account, p_later, true);
  UPDATE reindex r SET after = p_after, done = r.done + p_seen, failed = r.failed + p_seen - cardinality(p_ids) - cardinality(p_later)
  WHERE r.account_id = p_account AND r.ended_at IS NULL AND r.after < p_after;
END
$$;

REVOKE ALL ON FUNCTION mail.attachment_wait_v1(bigint, uuid[], boolean), mail.attachment_next_v1(bigint),
  mail.attachment_begin_v1(bigint, uuid, integer), mail.attachment_put_v1(bigint, uuid, integer, integer, text, smallint, boolean, bytea),
  mail.reindex_put_v2(bigint, uuid, bigint, uuid[], smallint, boolean[], bytea[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.attachment_wait_v1(bigint, uuid[], boolean), mail.attachment_next_v1(bigint),
  mail.attachment_begin_v1(bigint, uuid, integer), mail.attachment_put_v1(bigint, uuid, integer, integer, text, smallint, boolean, bytea),
  mail.reindex_put_v2(bigint, uuid, bigint, uuid[], smallint, boolean[], bytea[], uuid[]) TO dromos_imapd;
