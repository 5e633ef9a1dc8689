-- Search of traces by Message-ID: mta notes it with message.received.
SET LOCAL ROLE dromos_owner;

-- As trace_find_v1; p_message_id (without brackets) gives every event of the messages that had it. Searched in the given
-- time only, without an index: an index would cost each delivery, and operators search now and then.
CREATE FUNCTION mail.trace_find_v2(p_sender text, p_recipient text, p_event text, p_message_id text, p_from timestamptz,
                                   p_to timestamptz, p_limit integer)
RETURNS TABLE (trace_id uuid, at timestamptz, daemon text, event text, sender text, recipient text, account_id bigint, code integer, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT t.trace_id, t.at, t.daemon, t.event, t.sender, t.recipient, t.account_id, t.code, t.detail::text
  FROM trace t WHERE t.at >= p_from AND t.at < p_to AND (p_sender = '' OR t.sender = p_sender)
    AND (p_recipient = '' OR t.recipient = p_recipient) AND (p_event = '' OR t.event = p_event)
    AND (p_message_id = '' OR t.trace_id IN (
      SELECT r.trace_id FROM trace r WHERE r.event = 'message.received' AND r.at >= p_from AND r.at < p_to
        AND r.detail->>'message_id' = p_message_id))
  ORDER BY t.at DESC LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION mail.trace_find_v2(text, text, text, text, timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.trace_find_v2(text, text, text, text, timestamptz, timestamptz, integer) TO dromos_admind;
