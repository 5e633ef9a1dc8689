-- imapd and jmapd name the partition of an account where they read its mail (common/store/partition.h).
SET LOCAL ROLE dromos_owner;

DO $$
BEGIN
  FOR i IN 0..31 LOOP
    EXECUTE format('GRANT SELECT ON mail.entry_p%s, mail.message_p%s, mail.blob_p%s, mail.text_extract_p%s TO dromos_imapd, dromos_jmapd',
                   i, i, i, i);
  END LOOP;
END
$$;
