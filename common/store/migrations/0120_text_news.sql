-- Texts that were written anew, told to every imapd that holds some: as before that an account was reindexed, and now which
-- messages have got the text of their attachments since somebody looked last.
SET LOCAL ROLE dromos_owner;

CREATE SEQUENCE mail.attachment_written;
REVOKE ALL ON SEQUENCE mail.attachment_written FROM PUBLIC;
ALTER TABLE mail.attachment_text ADD COLUMN written bigint NOT NULL DEFAULT 0;  -- of the sequence, when its text was; 0: not since 0120
CREATE INDEX attachment_text_written ON mail.attachment_text (account_id, written) WHERE written > 0;

-- As in 0110; `written` is drawn under the lock on word_state, so that within an account numbers appear in their order.
CREATE OR REPLACE FUNCTION mail.attachment_put_v1(p_account bigint, p_id uuid, p_texts integer, p_failures integer, p_reason text, p_codec smallint,
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
    INSERT INTO word_state (account_id) VALUES (p_account) ON CONFLICT DO NOTHING;
    PERFORM FROM word_state s WHERE s.account_id = p_account FOR UPDATE;  -- as word_index_put_v1 does
    DELETE FROM word_index w WHERE w.account_id = p_account AND w.message_id = p_id;
  END IF;
  UPDATE attachment_text t SET waiting = false, texts = p_texts, failures = p_failures, reason = p_reason, at = clock_timestamp(),
    written = CASE WHEN p_data IS NULL THEN t.written ELSE nextval('mail.attachment_written') END
  WHERE t.account_id = p_account AND t.message_id = p_id;
  RETURN QUERY SELECT e.mailbox_id::bigint, e.uid::bigint FROM entry e WHERE e.account_id = p_account AND e.message_id = p_id;
END
$$;

-- mark: that of reindex_mark_v1. written: the highest there is, of which to ask for more than next time. The messages written
-- since p_since, where they are shown; whole: there are more than p_most of them, so none is named.
CREATE FUNCTION mail.text_news_v1(p_account bigint, p_since bigint, p_most integer)
RETURNS TABLE (mark bigint, written bigint, whole boolean, mailboxes bigint[], uids bigint[]) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_ids uuid[];
BEGIN
  mark := reindex_mark_v1(p_account);
  SELECT coalesce(max(n.written), p_since), array_agg(n.message_id) INTO written, v_ids FROM (
    SELECT t.written, t.message_id FROM attachment_text t WHERE t.account_id = p_account AND t.written > 0 AND t.written > p_since
    ORDER BY t.written DESC LIMIT p_most + 1) n;
  whole := coalesce(cardinality(v_ids), 0) > p_most;
  IF v_ids IS NOT NULL AND NOT whole THEN
    SELECT array_agg(e.mailbox_id::bigint), array_agg(e.uid::bigint) INTO mailboxes, uids FROM entry e
    WHERE e.account_id = p_account AND e.message_id = ANY (v_ids);
  END IF;
  mailboxes := coalesce(mailboxes, '{}');
  uids := coalesce(uids, '{}');
  RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION mail.text_news_v1(bigint, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.text_news_v1(bigint, bigint, integer) TO dromos_imapd;
