-- Who may call what. Nobody but the owner writes a table; only imapd and jmapd read mail tables.
-- Functions of other schemas are granted where they are made.
SET LOCAL ROLE dromos_owner;

REVOKE ALL ON ALL TABLES IN SCHEMA mail, queue FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA mail, queue FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mail, queue FROM PUBLIC;

GRANT SELECT ON mail.account_state, mail.mailbox, mail.entry, mail.message, mail.blob, mail.blob_chunk, mail.text_extract,
  mail.expunged, mail.keyword, mail.private_seen, mail.changelog, mail.thread_ref TO dromos_imapd, dromos_jmapd;

DO $$
DECLARE
  v_grant record;
  v_function text;
BEGIN
  FOR v_grant IN SELECT * FROM (VALUES
    ('mail.deliver_v1', 'dromos_mta, dromos_imapd, dromos_jmapd'),
    ('mail.blob_touch_v1', 'dromos_mta, dromos_imapd, dromos_jmapd'),
    ('mail.blob_chunk_v1', 'dromos_mta, dromos_imapd, dromos_jmapd'),
    ('mail.blob_stage_v1', 'dromos_mta, dromos_imapd, dromos_jmapd'),
    ('mail.blob_stage_copy_v1', 'dromos_mta, dromos_imapd, dromos_jmapd'),
    ('queue.body_stage_v1', 'dromos_mta, dromos_jmapd'),
    ('queue.body_chunk_v1', 'dromos_mta, dromos_jmapd'),
    ('queue.body_from_message_v1', 'dromos_jmapd'),
    ('queue.claim_v1', 'dromos_mta'),
    ('queue.queue_body_v1', 'dromos_mta'),
    ('queue.renew_v1', 'dromos_mta'),
    ('queue.finish_v1', 'dromos_mta'),
    ('queue.next_due_v1', 'dromos_mta'),
    ('queue.control_v1', 'dromos_mta, dromos_admind'),
    ('queue.list_v1', 'dromos_mta, dromos_admind'),
    ('queue.show_v1', 'dromos_mta, dromos_admind'),
    ('queue.stats_v1', 'dromos_mta, dromos_admind'),
    ('queue.collect_v1', 'dromos_admind'),
    ('mail.store_flags_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.expunge_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.transfer_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.email_set_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.facts_set_v1', 'dromos_imapd'),
    ('mail.mailbox_create_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.mailbox_set_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.mailbox_delete_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.rename_inbox_v1', 'dromos_imapd, dromos_jmapd'),
    ('mail.quota_v1', 'dromos_mta, dromos_imapd, dromos_jmapd, dromos_admind'),
    ('mail.account_create_v1', 'dromos_admind'),
    ('mail.account_quota_v1', 'dromos_admind'),
    ('mail.account_purge_v1', 'dromos_admind'),
    ('mail.accounts_v1', 'dromos_admind'),
    ('mail.partitions_make_v1', 'dromos_admind'),
    ('mail.partitions_drop_v1', 'dromos_admind'),
    ('mail.changelog_trim_v1', 'dromos_admind'),
    ('mail.collect_candidates_v1', 'dromos_admind'),
    ('mail.collect_blobs_v1', 'dromos_admind'),
    ('mail.purge_expunged_v1', 'dromos_admind'),
    ('mail.tombstones_v1', 'dromos_imapd, dromos_jmapd, dromos_admind'),
    ('mail.tombstones_done_v1', 'dromos_imapd, dromos_jmapd, dromos_admind'),
    ('mail.watchdog_v1', 'dromos_admind, dromos_mta, dromos_imapd, dromos_jmapd'),
    ('mail.trace_put_v1', 'dromos_mta, dromos_imapd, dromos_jmapd, dromos_spamd, dromos_admind'),
    ('mail.trace_get_v1', 'dromos_admind, dromos_jmapd'),
    ('mail.trace_find_v1', 'dromos_admind')
  ) AS g (name, roles) LOOP
    SELECT p.oid::regprocedure::text INTO STRICT v_function FROM pg_proc p
    WHERE p.pronamespace = split_part(v_grant.name, '.', 1)::regnamespace AND p.proname = split_part(v_grant.name, '.', 2);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', v_function, v_grant.roles);
  END LOOP;
END
$$;
