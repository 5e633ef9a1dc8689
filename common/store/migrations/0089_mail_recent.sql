-- What IMAP4rev1 keeps about mailboxes beside what is in them: which messages are recent (RFC 3501 §2.3.2), and
-- subscriptions that outlive their mailbox (RFC 9051 §6.3.6).
SET LOCAL ROLE dromos_owner;

-- Messages from this uid on have not been told to any session that may change the mailbox.
ALTER TABLE mail.mailbox ADD COLUMN recent_from mail.next_uid NOT NULL DEFAULT 1;

-- A session has been told of what lies below p_from. Not a change that anybody is told of.
CREATE FUNCTION mail.recent_set_v1(p_account bigint, p_mailbox bigint, p_from bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);  -- after a crash they are recent once more
  UPDATE mailbox m SET recent_from = p_from
  WHERE m.account_id = p_account AND m.mailbox_id = p_mailbox AND m.recent_from < p_from AND m.uidnext >= p_from;
END
$$;

CREATE TABLE mail.lost_subscription (
  account_id bigint NOT NULL REFERENCES mail.account_state ON DELETE CASCADE,
  path       text COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, path)
);

CREATE FUNCTION mail.path_of(p_account bigint, p_parent bigint, p_name text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, mail, pg_temp AS $$
  WITH RECURSIVE up (parent_id, path, depth) AS (
    SELECT p_parent, p_name COLLATE "C", 1
    UNION ALL
    SELECT m.parent_id, m.name || '/' || up.path, up.depth + 1 FROM up
    JOIN mailbox m ON m.account_id = p_account AND m.mailbox_id = up.parent_id WHERE up.depth < 64
  )
  SELECT path FROM up ORDER BY depth DESC LIMIT 1
$$;

CREATE FUNCTION mail.subscription_lost() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM lost_subscription l WHERE l.account_id = OLD.account_id) < 1000 THEN
    INSERT INTO lost_subscription VALUES (OLD.account_id, path_of(OLD.account_id, OLD.parent_id, OLD.name)) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER subscription_lost AFTER DELETE ON mail.mailbox FOR EACH ROW WHEN (OLD.subscribed)
  EXECUTE FUNCTION mail.subscription_lost();

-- A mailbox of that name comes back, and is subscribed as before.
CREATE FUNCTION mail.subscription_found() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM lost_subscription l WHERE l.account_id = NEW.account_id) THEN
    RETURN NULL;
  END IF;
  DELETE FROM lost_subscription l
  WHERE l.account_id = NEW.account_id AND l.path = path_of(NEW.account_id, NEW.parent_id, NEW.name);
  IF FOUND THEN
    UPDATE mailbox m SET subscribed = true WHERE m.account_id = NEW.account_id AND m.mailbox_id = NEW.mailbox_id;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER subscription_found AFTER INSERT ON mail.mailbox FOR EACH ROW EXECUTE FUNCTION mail.subscription_found();

CREATE FUNCTION mail.unsubscribe_lost_v1(p_account bigint, p_path text) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  DELETE FROM lost_subscription l WHERE l.account_id = p_account AND l.path = p_path;
  RETURN FOUND;
END
$$;

REVOKE ALL ON mail.lost_subscription FROM PUBLIC;
GRANT SELECT ON mail.lost_subscription TO dromos_imapd, dromos_jmapd;
REVOKE ALL ON FUNCTION mail.recent_set_v1(bigint, bigint, bigint), mail.path_of(bigint, bigint, text), mail.subscription_lost(),
  mail.subscription_found(), mail.unsubscribe_lost_v1(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.recent_set_v1(bigint, bigint, bigint), mail.unsubscribe_lost_v1(bigint, text) TO dromos_imapd;
