-- APPEND and REPLACE by a guest whose \Seen is his own: it is set with the message, not behind it. What REPLACE takes into or
-- out of Junk is a lesson, as what COPY and MOVE take.
SET LOCAL ROLE dromos_owner;

-- Does what the parameters from the fifth on say, which are those of mail.deliver_v1: one call with targets in one mailbox.
-- p_uid: first expunges that message of p_source whatever its flags (mail.replace_v1; NULL: none goes). In a mailbox of
-- another where \Seen is each guest's own, the flag is p_reader's. Idempotent by the delivery id. A refused target is an
-- error here, and nothing is stored nor expunged: DRQUO, DRNOF, DRBLO; DRCON: the old message is gone.
CREATE FUNCTION mail.append_as_v1(p_reader bigint, p_from bigint, p_source bigint, p_uid bigint,
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
  v_account bigint := ($25)[1];
  v_mailbox bigint := ($26)[1];
  v_flags integer[] := $29;
  v_new boolean;
  v_own boolean;
  v_row record;
  v_gone int8multirange;
  v_read bigint[] := '{}';
  v_modseq bigint;
BEGIN
  -- Both accounts, in the order in which everybody takes them.
  PERFORM FROM account_state a WHERE a.account_id IN (p_from, v_account) ORDER BY a.account_id FOR NO KEY UPDATE;
  v_new := NOT EXISTS (SELECT FROM delivery d WHERE d.delivery_id = ($7)[1]);
  v_own := v_new AND p_reader <> v_account
    AND EXISTS (SELECT FROM mailbox m WHERE m.account_id = v_account AND m.mailbox_id = v_mailbox AND m.seen_rule > 0);
  IF v_own THEN
    v_flags := ARRAY(SELECT f.flags & ~1 FROM unnest($29) WITH ORDINALITY AS f (flags, no) ORDER BY f.no);
  END IF;
  IF v_new AND p_uid IS NOT NULL THEN
    SELECT x.uids INTO v_gone FROM expunge_v1(p_from, p_source, int8multirange(int8range(p_uid, p_uid + 1)), false) x;
    IF v_gone = '{}' THEN
      RAISE EXCEPTION 'the message to replace is gone' USING ERRCODE = 'DRCON';
    END IF;
  END IF;
  FOR v_row IN SELECT * FROM deliver_v1(
      $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
      $27, $28, v_flags, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
      $49, $50, $51, $52) LOOP
    -- 6: another one of them was refused, and says why.
    IF v_row.outcome NOT IN (0, 6) THEN
      RAISE EXCEPTION 'the new message was not stored' USING ERRCODE =
        CASE v_row.outcome WHEN 1 THEN 'DRQUO' WHEN 5 THEN 'DRBLO' ELSE 'DRNOF' END;
    END IF;
    IF v_own AND ($29)[v_row.target_no] & 1 = 1 THEN
      v_read := v_read || v_row.uid;
      v_modseq := v_row.modseq;
    END IF;
    RETURN QUERY SELECT v_row.call_no, v_row.earlier, v_row.target_no, v_row.outcome, v_row.account_id, v_row.mailbox_id,
                        v_row.uidvalidity, v_row.uid, v_row.modseq, v_row.message_id, v_row.thread_id;
  END LOOP;
  IF cardinality(v_read) > 0 THEN
    PERFORM own_seen_in(v_account, v_mailbox, p_reader, pack(ARRAY(SELECT r FROM unnest(v_read) r ORDER BY r)), true, v_modseq);
  END IF;
  IF v_new AND p_uid IS NOT NULL THEN
    PERFORM note_moved(v_account, $28, (SELECT m.special_use FROM mailbox m WHERE m.account_id = p_from AND m.mailbox_id = p_source),
                       (SELECT m.special_use FROM mailbox m WHERE m.account_id = v_account AND m.mailbox_id = v_mailbox));
  END IF;
END
$$;

DO $$
DECLARE
  v_function regprocedure;
BEGIN
  SELECT p.oid::regprocedure INTO STRICT v_function FROM pg_proc p WHERE p.pronamespace = 'mail'::regnamespace AND p.proname = 'append_as_v1';
  EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
  EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO dromos_imapd', v_function);
END
$$;
