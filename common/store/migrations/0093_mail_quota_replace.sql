-- SETQUOTA (RFC 9208 section 4.1.3): imapd sets limits for those whom its configuration lets.
SET LOCAL ROLE dromos_owner;

-- All three limits, NULL: none. The directory's figure, which administrators see, follows. DRNOF: no such account.
CREATE FUNCTION mail.quota_replace_v1(p_account bigint, p_bytes bigint, p_messages bigint, p_mailboxes bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  UPDATE directory.account SET quota_bytes = coalesce(p_bytes, 0) WHERE id = p_account;
  PERFORM account_quota_v1(p_account, p_bytes, p_messages, p_mailboxes);
END
$$;

REVOKE ALL ON FUNCTION mail.quota_replace_v1(bigint, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.quota_replace_v1(bigint, bigint, bigint, bigint) TO dromos_imapd;
