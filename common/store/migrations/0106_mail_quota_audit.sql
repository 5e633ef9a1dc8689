-- SETQUOTA by people whom imapd lets: who set which limits stands in the audit log, as what administrators do.
SET LOCAL ROLE dromos_owner;

-- mail.quota_replace_v1 by p_actor, from the address p_remote. No line where nothing changes, so doing it twice is doing it once.
CREATE FUNCTION mail.quota_replace_v2(p_actor bigint, p_remote text, p_trace uuid, p_account bigint, p_bytes bigint, p_messages bigint,
                                      p_mailboxes bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_old account_state;
BEGIN
  -- In the order of mail.quota_replace_v1: the directory's row first.
  PERFORM FROM directory.account d WHERE d.id = p_account FOR NO KEY UPDATE;
  v_old := lock_account(p_account);
  IF (v_old.quota_bytes, v_old.quota_messages, v_old.quota_mailboxes) IS NOT DISTINCT FROM (p_bytes, p_messages, p_mailboxes) THEN
    RETURN;
  END IF;
  PERFORM quota_replace_v1(p_account, p_bytes, p_messages, p_mailboxes);
  INSERT INTO admin.audit (actor, remote, action, object, detail, trace)
  SELECT 'account:' || coalesce((SELECT l.local_part || '@' || d.name FROM directory.address l JOIN directory.domain d ON d.id = l.domain_id
                                 WHERE l.account_id = p_actor LIMIT 1), p_actor::text),
         p_remote, 'imapSetQuota',
         coalesce((SELECT l.local_part || '@' || d.name FROM directory.address l JOIN directory.domain d ON d.id = l.domain_id
                   WHERE l.account_id = p_account LIMIT 1), p_account::text),
         jsonb_build_object('quota_bytes', p_bytes, 'quota_messages', p_messages, 'quota_mailboxes', p_mailboxes,
                            'was', jsonb_build_object('quota_bytes', v_old.quota_bytes, 'quota_messages', v_old.quota_messages,
                                                      'quota_mailboxes', v_old.quota_mailboxes)),
         p_trace;
END
$$;

REVOKE ALL ON FUNCTION mail.quota_replace_v2(bigint, text, uuid, bigint, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.quota_replace_v2(bigint, text, uuid, bigint, bigint, bigint, bigint) TO dromos_imapd;
