-- The queue's verbs. Messages are locked in id order before their recipients; a claim waits for nobody.
-- DRNOF: the lease is lost (another mta has the recipient, or an operator took it away).
SET LOCAL ROLE dromos_owner;

-- A body over 64 KB, before mail.deliver_v1: its chunks in one transaction. Unused ones are collected after 24 h.
CREATE FUNCTION queue.body_stage_v1(p_body uuid, p_size bigint, p_chunks integer) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  INSERT INTO body (body_id, size, chunks) VALUES (p_body, p_size, p_chunks) ON CONFLICT DO NOTHING
$$;
CREATE FUNCTION queue.body_chunk_v1(p_body uuid, p_no integer, p_codec integer, p_data bytea) RETURNS void LANGUAGE sql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  INSERT INTO body_chunk (body_id, chunk_no, codec, data) VALUES (p_body, p_no, p_codec, p_data) ON CONFLICT DO NOTHING
$$;

-- The body of a message that an account holds (JMAP submission). DRNOF if it has no such message, DRBLO if its bytes
-- are not in the database.
CREATE FUNCTION queue.body_from_message_v1(p_account bigint, p_message uuid, p_body uuid) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_blob mail.blob;
BEGIN
  SELECT b.* INTO v_blob FROM mail.message m JOIN mail.blob b ON b.account_id = p_account AND b.hash = m.blob_hash
  WHERE m.account_id = p_account AND m.message_id = p_message
    AND EXISTS (SELECT FROM mail.entry e WHERE e.account_id = p_account AND e.message_id = p_message);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such message' USING ERRCODE = 'DRNOF';
  END IF;
  IF v_blob.location IS NOT NULL THEN
    RAISE EXCEPTION 'bytes are in an external store' USING ERRCODE = 'DRBLO';
  END IF;
  INSERT INTO queue.body (body_id, size, chunks) VALUES (p_body, v_blob.size, v_blob.chunks) ON CONFLICT DO NOTHING;
  INSERT INTO queue.body_chunk (body_id, chunk_no, codec, dict_id, key_id, data)
  VALUES (p_body, 0, v_blob.codec, v_blob.dict_id, v_blob.key_id, v_blob.header),
         (p_body, 1, v_blob.codec, v_blob.dict_id, v_blob.key_id, v_blob.body) ON CONFLICT DO NOTHING;
  INSERT INTO queue.body_chunk (body_id, chunk_no, codec, dict_id, key_id, data)
  SELECT p_body, c.chunk_no, c.codec, c.dict_id, c.key_id, c.data
  FROM mail.blob_chunk c WHERE c.account_id = p_account AND c.hash = v_blob.hash ON CONFLICT DO NOTHING;
  RETURN v_blob.size;
END
$$;

-- Leases due recipients of the given transports, oldest first. A lease that ends without queue.finish_v1 is due again.
CREATE FUNCTION queue.claim_v1(p_token uuid, p_transports text[], p_limit integer, p_lease_ms bigint)
RETURNS TABLE (queue_id uuid, recipient_no integer, address text, domain text, transport text, attempts integer,
               recipient_options text, body_id uuid, trace_id uuid, sender text, account_id bigint, size bigint,
               created_at timestamptz, expires_at timestamptz, message_options text, lease_until timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  WITH due AS (
    SELECT r.queue_id, r.recipient_no FROM recipient r
    WHERE r.state = 'due' AND r.due_at <= now() AND r.transport = ANY (p_transports)
    ORDER BY r.due_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE recipient r SET lease_token = p_token, lease_until = now() + p_lease_ms * interval '1 ms',
      due_at = now() + p_lease_ms * interval '1 ms', attempts = r.attempts + 1
    FROM due WHERE r.queue_id = due.queue_id AND r.recipient_no = due.recipient_no RETURNING r.*
  )
  SELECT l.queue_id, l.recipient_no, l.address, l.domain, l.transport, l.attempts, l.options::text, m.body_id, m.trace_id, m.sender,
         m.account_id, m.size, m.created_at, m.expires_at, m.options::text, l.lease_until
  FROM leased l JOIN message m ON m.queue_id = l.queue_id ORDER BY l.domain, l.queue_id, l.recipient_no
$$;

-- Chunks p_from .. p_from + p_count - 1 of a body of which the caller holds a live lease.
CREATE FUNCTION queue.queue_body_v1(p_queue uuid, p_token uuid, p_from integer, p_count integer)
RETURNS TABLE (chunk_no integer, codec smallint, dict_id smallint, key_id smallint, data bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  SELECT c.chunk_no, c.codec, c.dict_id, c.key_id, c.data FROM message m JOIN body_chunk c ON c.body_id = m.body_id
  WHERE m.queue_id = p_queue AND c.chunk_no >= p_from AND c.chunk_no < p_from + p_count
    AND EXISTS (SELECT FROM recipient r WHERE r.queue_id = p_queue AND r.lease_token = p_token AND r.lease_until > now())
  ORDER BY c.chunk_no
$$;

-- Before the final dot: prolongs leases that are still held; returns how many of the given ones were.
CREATE FUNCTION queue.renew_v1(p_token uuid, p_queue uuid[], p_no integer[], p_lease_ms bigint) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  PERFORM FROM recipient r JOIN unnest(p_queue, p_no) AS s (queue_id, no) ON r.queue_id = s.queue_id AND r.recipient_no = s.no
  ORDER BY r.queue_id, r.recipient_no FOR NO KEY UPDATE OF r;
  UPDATE recipient r SET lease_until = now() + p_lease_ms * interval '1 ms', due_at = now() + p_lease_ms * interval '1 ms'
  FROM unnest(p_queue, p_no) AS s (queue_id, no)
  WHERE r.queue_id = s.queue_id AND r.recipient_no = s.no AND r.lease_token = p_token AND r.lease_until > now();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- Messages without recipients and bodies without messages; the messages are locked.
CREATE FUNCTION queue.drop_empty(p_queue uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, queue, pg_temp AS $$
DECLARE
  v_bodies uuid[];
BEGIN
  WITH gone AS (
    DELETE FROM message m WHERE m.queue_id = ANY (p_queue)
      AND NOT EXISTS (SELECT FROM recipient r WHERE r.queue_id = m.queue_id) RETURNING m.body_id)
  SELECT array_agg(DISTINCT g.body_id) INTO v_bodies FROM gone g;
  IF v_bodies IS NOT NULL THEN
    PERFORM FROM body b WHERE b.body_id = ANY (v_bodies) ORDER BY b.body_id FOR UPDATE;
    DELETE FROM body b WHERE b.body_id = ANY (v_bodies) AND NOT EXISTS (SELECT FROM message m WHERE m.body_id = b.body_id);
  END IF;
END
$$;

-- Ends leases. p_action: done (the row goes), retry (due at p_due), hold. Only where the token matches; if one does
-- not, nothing is written and DRNOF raised, so that a DSN in the same transaction is not sent twice.
CREATE FUNCTION queue.finish_v1(p_token uuid, p_queue uuid[], p_no integer[], p_action text[], p_due timestamptz[], p_code integer[],
                                p_reply text[], p_options text[]) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
DECLARE
  v_held integer;
BEGIN
  PERFORM FROM message m WHERE m.queue_id = ANY (p_queue) ORDER BY m.queue_id FOR UPDATE;
  SELECT count(*) INTO v_held FROM unnest(p_queue, p_no) AS s (queue_id, no)
  JOIN recipient r ON r.queue_id = s.queue_id AND r.recipient_no = s.no AND r.lease_token = p_token;
  IF v_held <> cardinality(p_queue) THEN
    RAISE EXCEPTION 'lease lost for % of % recipients', cardinality(p_queue) - v_held, cardinality(p_queue) USING ERRCODE = 'DRNOF';
  END IF;
  DELETE FROM recipient r USING unnest(p_queue, p_no, p_action) AS s (queue_id, no, action)
  WHERE r.queue_id = s.queue_id AND r.recipient_no = s.no AND s.action = 'done';
  UPDATE recipient r SET lease_token = NULL, lease_until = NULL, last_at = now(), last_code = s.code, last_reply = s.reply,
    state = CASE s.action WHEN 'hold' THEN 'held' ELSE 'due' END, due_at = greatest(s.due, now()),
    options = CASE s.options WHEN '' THEN r.options ELSE r.options || s.options::jsonb END
  FROM unnest(p_queue, p_no, p_action, p_due, p_code, p_reply, p_options) AS s (queue_id, no, action, due, code, reply, options)
  WHERE r.queue_id = s.queue_id AND r.recipient_no = s.no AND s.action IN ('retry', 'hold');
  PERFORM drop_empty(p_queue);
END
$$;

-- Operator: retry (due now), hold, release, delete; p_no -1: all recipients. A recipient that is being sent loses its
-- lease: the sender's result no longer counts. Returns how many recipients were changed.
CREATE FUNCTION queue.control_v1(p_queue uuid, p_no integer, p_action text) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  IF p_action NOT IN ('retry', 'hold', 'release', 'delete') THEN
    RAISE EXCEPTION 'unknown action' USING ERRCODE = 'DRINV';
  END IF;
  PERFORM FROM message m WHERE m.queue_id = p_queue FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such message in the queue' USING ERRCODE = 'DRNOF';
  END IF;
  IF p_action = 'delete' THEN
    DELETE FROM recipient r WHERE r.queue_id = p_queue AND (p_no = -1 OR r.recipient_no = p_no);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM drop_empty(ARRAY[p_queue]);
  ELSE
    UPDATE recipient r SET state = CASE p_action WHEN 'hold' THEN 'held' ELSE 'due' END,
      due_at = now(), lease_token = NULL, lease_until = NULL
    WHERE r.queue_id = p_queue AND (p_no = -1 OR r.recipient_no = p_no);
    GET DIAGNOSTICS v_count = ROW_COUNT;
  END IF;
  RETURN v_count;
END
$$;

-- When the next recipient is due; NULL: none waits.
CREATE FUNCTION queue.next_due_v1() RETURNS timestamptz LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  SELECT due_at FROM recipient WHERE state = 'due' ORDER BY due_at LIMIT 1
$$;

-- Recipients in (queue_id, recipient_no) order after the given one; '' matches all.
CREATE FUNCTION queue.list_v1(p_domain text, p_sender text, p_address text, p_state text, p_after uuid, p_after_no integer, p_limit integer)
RETURNS TABLE (queue_id uuid, recipient_no integer, address text, domain text, transport text, state text, attempts integer,
               due_at timestamptz, lease_until timestamptz, last_at timestamptz, last_code integer, last_reply text,
               trace_id uuid, sender text, account_id bigint, size bigint, created_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  SELECT r.queue_id, r.recipient_no, r.address, r.domain, r.transport, r.state, r.attempts, r.due_at, r.lease_until, r.last_at,
         r.last_code, r.last_reply, m.trace_id, m.sender, m.account_id, m.size, m.created_at, m.expires_at
  FROM recipient r JOIN message m ON m.queue_id = r.queue_id
  WHERE (r.queue_id, r.recipient_no) > (p_after, p_after_no)
    AND (p_domain = '' OR r.domain = p_domain) AND (p_sender = '' OR m.sender = p_sender)
    AND (p_address = '' OR r.address = p_address) AND (p_state = '' OR r.state = p_state)
  ORDER BY r.queue_id, r.recipient_no LIMIT p_limit
$$;
CREATE FUNCTION queue.show_v1(p_queue uuid)
RETURNS TABLE (queue_id uuid, recipient_no integer, address text, domain text, transport text, state text, attempts integer,
               due_at timestamptz, lease_until timestamptz, last_at timestamptz, last_code integer, last_reply text,
               trace_id uuid, sender text, account_id bigint, size bigint, created_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  SELECT r.queue_id, r.recipient_no, r.address, r.domain, r.transport, r.state, r.attempts, r.due_at, r.lease_until, r.last_at,
         r.last_code, r.last_reply, m.trace_id, m.sender, m.account_id, m.size, m.created_at, m.expires_at
  FROM recipient r JOIN message m ON m.queue_id = r.queue_id WHERE r.queue_id = p_queue ORDER BY r.recipient_no
$$;
CREATE FUNCTION queue.stats_v1()
RETURNS TABLE (transport text, state text, recipients bigint, oldest timestamptz, due bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
  SELECT r.transport, r.state, count(*), min(m.created_at), count(*) FILTER (WHERE r.due_at <= now())
  FROM recipient r JOIN message m ON m.queue_id = r.queue_id GROUP BY 1, 2 ORDER BY 1, 2
$$;

-- Staged bodies that no message took.
CREATE FUNCTION queue.collect_v1(p_before timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, queue, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM body b WHERE b.body_id IN (
    SELECT o.body_id FROM body o WHERE o.created_at < p_before AND NOT EXISTS (SELECT FROM message m WHERE m.body_id = o.body_id)
    ORDER BY o.body_id LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
