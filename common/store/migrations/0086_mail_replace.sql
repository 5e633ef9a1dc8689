-- REPLACE (RFC 8508): a message goes and another one comes, in one transaction, so that quotas see only the difference.
SET LOCAL ROLE dromos_owner;

-- Expunges one message whatever its flags, then does what the parameters from the fourth on say, which are those of
-- mail.deliver_v1: one call with one target. Idempotent by the delivery id. A refused target is an error here, and the
-- old message stays: DRQUO, DRNOF, DRBLO; DRCON: the old message is gone.
CREATE FUNCTION mail.replace_v1(p_account bigint, p_mailbox bigint, p_uid bigint,
  boolean, boolean, uuid[], integer[],
  integer[], bytea[], bigint[], bigint[], integer[], bytea[], bytea[],
  bytea[], integer[], bytea[], integer[], boolean[],
  text[], timestamptz[], uuid[],
  integer[], bigint[], bigint[], text[], uuid[], integer[], text[],
  integer[], uuid[], uuid[], text[], bigint[], timestamptz[], text[],
  integer[], text[], text[], text[], timestamptz[], text[],
  integer[], uuid[], text[], text[], text[], text[], bigint[],
  integer[], text[])
RETURNS TABLE (call_no integer, earlier boolean, target_no integer, outcome smallint, account_id bigint, mailbox_id bigint,
               uidvalidity bigint, uid bigint, modseq bigint, message_id uuid, thread_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_row record;
  v_gone int8multirange;
BEGIN
  -- Both accounts, in the order in which everybody takes them.
  PERFORM FROM account_state a WHERE a.account_id IN (p_account, ($24)[1]) ORDER BY a.account_id FOR NO KEY UPDATE;
  IF NOT EXISTS (SELECT FROM delivery d WHERE d.delivery_id = ($6)[1]) THEN
    SELECT x.uids INTO v_gone FROM expunge_v1(p_account, p_mailbox, int8multirange(int8range(p_uid, p_uid + 1)), false) x;
    IF v_gone = '{}' THEN
      RAISE EXCEPTION 'the message to replace is gone' USING ERRCODE = 'DRCON';
    END IF;
  END IF;
  FOR v_row IN SELECT * FROM deliver_v1(
      $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
      $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
      $49, $50, $51) LOOP
    IF v_row.outcome <> 0 THEN
      RAISE EXCEPTION 'the new message was not stored' USING ERRCODE =
        CASE v_row.outcome WHEN 1 THEN 'DRQUO' WHEN 5 THEN 'DRBLO' ELSE 'DRNOF' END;
    END IF;
    RETURN QUERY SELECT v_row.call_no, v_row.earlier, v_row.target_no, v_row.outcome, v_row.account_id, v_row.mailbox_id,
                        v_row.uidvalidity, v_row.uid, v_row.modseq, v_row.message_id, v_row.thread_id;
  END LOOP;
END
$$;

DO $$
DECLARE
  v_function regprocedure;
BEGIN
  SELECT p.oid::regprocedure INTO STRICT v_function FROM pg_proc p WHERE p.pronamespace = 'mail'::regnamespace AND p.proname = 'replace_v1';
  EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
  EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO dromos_imapd', v_function);
END
$$;
