-- Lessons for the spam filter: what people moved into and out of Junk, written with the move and kept until it is
-- learned, so that neither spamd nor imapd need be there at that moment. The last word about a message counts.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.lesson (
  account_id bigint NOT NULL,
  message_id uuid NOT NULL,
  spam       boolean NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (account_id, message_id)
);
CREATE INDEX lesson_at ON mail.lesson (at);

-- Messages that went from one mailbox to another, by the special uses of both. Junk to Trash says nothing: it is how
-- spam is thrown away.
CREATE FUNCTION mail.note_moved(p_account bigint, p_messages uuid[], p_from text, p_to text) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF p_to IS DISTINCT FROM 'junk' AND (p_from IS DISTINCT FROM 'junk' OR p_to = 'trash') THEN
    RETURN;
  END IF;
  IF p_from = p_to THEN
    RETURN;
  END IF;
  INSERT INTO lesson (account_id, message_id, spam)
  SELECT p_account, m, p_to IS NOT DISTINCT FROM 'junk' FROM unnest(p_messages) m ORDER BY m
  ON CONFLICT (account_id, message_id) DO UPDATE SET spam = excluded.spam, at = excluded.at;
END
$$;

-- The oldest lessons.
CREATE FUNCTION mail.lessons_v1(p_limit integer) RETURNS TABLE (account_id bigint, message_id uuid, spam boolean, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT l.account_id, l.message_id, l.spam, l.at FROM lesson l ORDER BY l.at LIMIT p_limit
$$;

-- Learned, or not to be learned any more; a later word about the same message stays.
CREATE FUNCTION mail.lesson_done_v1(p_account bigint, p_message uuid, p_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  DELETE FROM lesson l WHERE l.account_id = p_account AND l.message_id = p_message AND l.at = p_at
$$;

REVOKE ALL ON mail.lesson FROM PUBLIC;
REVOKE ALL ON FUNCTION mail.note_moved(bigint, uuid[], text, text), mail.lessons_v1(integer),
  mail.lesson_done_v1(bigint, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.lessons_v1(integer), mail.lesson_done_v1(bigint, uuid, timestamptz) TO dromos_imapd;
