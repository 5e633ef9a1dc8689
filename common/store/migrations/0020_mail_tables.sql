-- Mail: accounts' state, mailboxes, entries, messages, blobs. docs/formats/ explains the byte columns.
--
-- Every writer locks mail.account_state first (accounts in id order); modseq, uid and uidvalidity come from rows
-- locked until commit, never from a sequence. account_id leads every key. entry, message, blob, blob_chunk and
-- text_extract are hash-partitioned by account. References between them are not foreign keys (a check a row would
-- double the price of COPY and EXPUNGE): the functions keep them under the account's lock, mail.check_account_v1
-- verifies them.
--
-- What one column must obey is its domain, not a CHECK: PostgreSQL reads a table's CHECKs anew for each statement and
-- each partition that it touches, which was a quarter of a delivery's price (docs/decisions/0005). What ties columns of a
-- row together is verified by mail.check_account_v1.
SET LOCAL ROLE dromos_owner;

CREATE DOMAIN mail.identifier AS bigint CHECK (VALUE > 0);
CREATE DOMAIN mail.tally AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN mail.modseq AS bigint CHECK (VALUE >= 1);
CREATE DOMAIN mail.uid AS bigint CHECK (VALUE BETWEEN 1 AND 4294967295);
CREATE DOMAIN mail.next_uid AS bigint CHECK (VALUE BETWEEN 1 AND 4294967296);
CREATE DOMAIN mail.flags AS integer CHECK (VALUE BETWEEN 0 AND 31);
CREATE DOMAIN mail.sha256 AS bytea CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN mail.change_kind AS smallint CHECK (VALUE BETWEEN 1 AND 6);
-- RFC 6154 §2 without the backslash, lower-case; 'inbox' marks INBOX whatever its name's case.
CREATE DOMAIN mail.special_use AS text COLLATE "C"
  CHECK (VALUE IN ('inbox', 'drafts', 'sent', 'trash', 'junk', 'archive', 'all', 'flagged', 'important'));
CREATE DOMAIN mail.mailbox_name AS text COLLATE "C"
  CHECK (octet_length(VALUE) BETWEEN 1 AND 255 AND VALUE !~ '[/\x01-\x1f\x7f]' AND VALUE IS NFC NORMALIZED);

CREATE TABLE mail.account_state (
  account_id       mail.identifier PRIMARY KEY,
  modseq           mail.modseq NOT NULL DEFAULT 1,
  -- JMAP states: the last modseq that changed an object of the type.
  email_modseq     mail.modseq NOT NULL DEFAULT 1,
  mailbox_modseq   mail.modseq NOT NULL DEFAULT 1,
  thread_modseq    mail.modseq NOT NULL DEFAULT 1,
  -- Raised by mail.restored_v1: states and modseqs given out before a restore are void.
  state_epoch      integer NOT NULL DEFAULT 0,
  uidvalidity_next mail.uid NOT NULL,
  quota_bytes      mail.tally,
  quota_messages   mail.tally,
  quota_mailboxes  mail.tally,
  used_bytes       mail.tally NOT NULL DEFAULT 0,
  used_messages    mail.tally NOT NULL DEFAULT 0,
  -- Changes with a modseq above the floor are in mail.changelog; older ones may be gone.
  changelog_floor  mail.tally NOT NULL DEFAULT 0,
  -- Not later than the oldest row of this account in mail.expunged; NULL: none.
  expunged_since   timestamptz
) WITH (fillfactor = 40);

CREATE SEQUENCE mail.mailbox_id_seq;

CREATE TABLE mail.mailbox (
  account_id    bigint NOT NULL REFERENCES mail.account_state,
  mailbox_id    mail.identifier NOT NULL DEFAULT nextval('mail.mailbox_id_seq'),
  parent_id     bigint,
  name          mail.mailbox_name NOT NULL,
  special_use   mail.special_use,
  subscribed    boolean NOT NULL DEFAULT true,
  selectable    boolean NOT NULL DEFAULT true,
  sort_order    integer NOT NULL DEFAULT 0,
  uidvalidity   mail.uid NOT NULL,
  uidnext       mail.next_uid NOT NULL DEFAULT 1,
  -- The last modseq that touched anything in it, and the last that changed its own properties.
  highestmodseq mail.modseq NOT NULL,
  modseq        mail.modseq NOT NULL,
  created_modseq mail.modseq NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- Of all entries, and of those without \Deleted (what JMAP sees).
  all_count     mail.tally NOT NULL DEFAULT 0,
  all_seen      mail.tally NOT NULL DEFAULT 0,
  all_bytes     mail.tally NOT NULL DEFAULT 0,
  live_count    mail.tally NOT NULL DEFAULT 0,
  live_seen     mail.tally NOT NULL DEFAULT 0,
  live_bytes    mail.tally NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, mailbox_id),
  FOREIGN KEY (account_id, parent_id) REFERENCES mail.mailbox (account_id, mailbox_id),
  CONSTRAINT mailbox_name_unique UNIQUE NULLS NOT DISTINCT (account_id, parent_id, name)
) WITH (fillfactor = 40);

-- INBOX is at the root, in capitals, and the only one of its kind; a trigger, so that counters change without it.
CREATE FUNCTION mail.mailbox_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.parent_id = NEW.mailbox_id THEN
    RAISE EXCEPTION 'a mailbox cannot be its own parent' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.parent_id IS NULL AND upper(NEW.name) = 'INBOX') IS DISTINCT FROM (NEW.special_use IS NOT DISTINCT FROM 'inbox')
     OR (NEW.special_use = 'inbox' AND NEW.name <> 'INBOX') THEN
    RAISE EXCEPTION 'INBOX is the mailbox of that name at the root' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER mailbox_guard BEFORE INSERT OR UPDATE OF mailbox_id, parent_id, name, special_use ON mail.mailbox
  FOR EACH ROW EXECUTE FUNCTION mail.mailbox_guard();

CREATE UNIQUE INDEX mailbox_special_use ON mail.mailbox (account_id, special_use) WHERE special_use IS NOT NULL;

-- flags: 1 \Seen, 2 \Answered, 4 \Flagged, 8 \Deleted, 16 \Draft. keywords: lower-case, sorted, without repeats.
-- No index on flags, keywords or modseq: their updates must stay HOT.
CREATE TABLE mail.entry (
  account_id  bigint NOT NULL,
  mailbox_id  bigint NOT NULL,
  uid         mail.uid NOT NULL,
  modseq      bigint NOT NULL,
  message_id  uuid NOT NULL,
  thread_id   uuid NOT NULL,
  received_at timestamptz NOT NULL,
  saved_at    timestamptz NOT NULL DEFAULT now(),
  size        mail.tally NOT NULL,
  flags       mail.flags NOT NULL DEFAULT 0,
  keywords    text[] COLLATE "C" NOT NULL DEFAULT '{}',
  PRIMARY KEY (account_id, mailbox_id, uid),
  -- A mailbox holds a message once; also the index by (account_id, message_id).
  UNIQUE (account_id, message_id, mailbox_id)
) PARTITION BY HASH (account_id);
CREATE INDEX entry_received ON mail.entry (account_id, mailbox_id, received_at);

-- Immutable but for facts, which reparse rewrites (docs/formats/facts.md).
CREATE TABLE mail.message (
  account_id     bigint NOT NULL,
  message_id     uuid NOT NULL,
  thread_id      uuid NOT NULL,
  received_at    timestamptz NOT NULL,
  created_modseq bigint NOT NULL,
  size           mail.tally NOT NULL,
  facts_version  integer NOT NULL,
  trace_id       uuid,
  blob_hash      mail.sha256 NOT NULL,
  thread_keys    bigint[] NOT NULL DEFAULT '{}',
  facts          bytea NOT NULL,
  PRIMARY KEY (account_id, message_id)
) PARTITION BY HASH (account_id);
CREATE INDEX message_thread ON mail.message (account_id, thread_id);

-- Bytes of messages and uploads, by account and SHA-256 of the raw bytes (docs/formats/blob.md). header is
-- chunk 0, body chunk 1 (at most 256 KB raw); the rest are rows of blob_chunk. refs counts rows of mail.message;
-- idle_since is set while it is 0.
CREATE TABLE mail.blob (
  account_id  bigint NOT NULL,
  hash        mail.sha256 NOT NULL,
  size        mail.tally NOT NULL,
  header_size mail.tally NOT NULL,
  refs        mail.tally NOT NULL,
  chunks      mail.tally NOT NULL,
  codec       smallint NOT NULL,
  dict_id     smallint NOT NULL DEFAULT 0,
  key_id      smallint NOT NULL DEFAULT 0,
  idle_since  timestamptz,
  -- NULL: in this row and blob_chunk; else the name in the external store.
  location    text COLLATE "C",
  header      bytea,
  body        bytea,
  PRIMARY KEY (account_id, hash)
) PARTITION BY HASH (account_id);
CREATE INDEX blob_idle ON mail.blob (account_id, idle_since) WHERE refs = 0;

CREATE TABLE mail.blob_chunk (
  account_id bigint NOT NULL,
  hash       bytea NOT NULL,
  chunk_no   integer NOT NULL CHECK (chunk_no >= 2),
  codec      smallint NOT NULL,
  dict_id    smallint NOT NULL DEFAULT 0,
  key_id     smallint NOT NULL DEFAULT 0,
  data       bytea NOT NULL,
  PRIMARY KEY (account_id, hash, chunk_no)
) PARTITION BY HASH (account_id);

-- Case-folded text of headers and body for substring search: the answer of IMAP SEARCH rests on it.
CREATE TABLE mail.text_extract (
  account_id bigint NOT NULL,
  message_id uuid NOT NULL,
  codec      smallint NOT NULL,
  dict_id    smallint NOT NULL DEFAULT 0,
  key_id     smallint NOT NULL DEFAULT 0,
  truncated  boolean NOT NULL DEFAULT false,
  data       bytea NOT NULL,
  PRIMARY KEY (account_id, message_id)
) PARTITION BY HASH (account_id);

DO $$
BEGIN
  FOR i IN 0..31 LOOP
    EXECUTE format('CREATE TABLE mail.entry_p%s PARTITION OF mail.entry FOR VALUES WITH (MODULUS 32, REMAINDER %s) WITH (fillfactor = 50)', i, i);
    EXECUTE format('CREATE TABLE mail.message_p%s PARTITION OF mail.message FOR VALUES WITH (MODULUS 32, REMAINDER %s)', i, i);
    EXECUTE format('CREATE TABLE mail.blob_p%s PARTITION OF mail.blob FOR VALUES WITH (MODULUS 32, REMAINDER %s)', i, i);
    EXECUTE format('CREATE TABLE mail.blob_chunk_p%s PARTITION OF mail.blob_chunk FOR VALUES WITH (MODULUS 32, REMAINDER %s)', i, i);
    EXECUTE format('CREATE TABLE mail.text_extract_p%s PARTITION OF mail.text_extract FOR VALUES WITH (MODULUS 32, REMAINDER %s)', i, i);
    -- The client compresses: PostgreSQL must not try again.
    EXECUTE format('ALTER TABLE mail.message_p%s ALTER facts SET STORAGE EXTERNAL', i);
    EXECUTE format('ALTER TABLE mail.blob_p%s ALTER header SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL', i);
    EXECUTE format('ALTER TABLE mail.blob_chunk_p%s ALTER data SET STORAGE EXTERNAL', i);
    EXECUTE format('ALTER TABLE mail.text_extract_p%s ALTER data SET STORAGE EXTERNAL', i);
  END LOOP;
END
$$;

-- Files of an external blob store whose row is gone; unlinked a day after `at`, names are never used again.
CREATE TABLE mail.blob_tombstone (
  location text COLLATE "C" PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT now()
);

-- What EXPUNGE took away, until the retention ends. Undelete and time machine read it.
CREATE TABLE mail.expunged (
  account_id  bigint NOT NULL,
  mailbox_id  bigint NOT NULL,
  uid         bigint NOT NULL,
  modseq      bigint NOT NULL,
  message_id  uuid NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  received_at timestamptz NOT NULL,
  flags       integer NOT NULL,
  keywords    text[] COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, mailbox_id, uid)
);
CREATE INDEX expunged_message ON mail.expunged (account_id, message_id);
CREATE INDEX expunged_at ON mail.expunged (account_id, at);

-- Key (a hash of a Message-ID and base subject, made by common/mime) to thread. A thread's id never changes.
CREATE TABLE mail.thread_ref (
  account_id bigint NOT NULL,
  key        bigint NOT NULL,
  thread_id  uuid NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- Keywords ever used in a mailbox (FLAGS and PERMANENTFLAGS answers); never shrinks but with the mailbox.
CREATE TABLE mail.keyword (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  name       text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
  PRIMARY KEY (account_id, mailbox_id, name),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE
);

-- \Seen of one reader of a shared mailbox, where it is private: uids seen.
CREATE TABLE mail.private_seen (
  account_id bigint NOT NULL,
  mailbox_id bigint NOT NULL,
  reader_id  bigint NOT NULL,
  modseq     bigint NOT NULL,
  uids       int8multirange NOT NULL,
  PRIMARY KEY (account_id, mailbox_id, reader_id),
  FOREIGN KEY (account_id, mailbox_id) REFERENCES mail.mailbox ON DELETE CASCADE
);

-- One row per transaction, mailbox and kind. kind: 1 added, 2 flags, 3 removed, 4 mailbox created, 5 mailbox
-- changed, 6 mailbox deleted. message_ids run parallel to uids in ascending uid order.
CREATE TABLE mail.changelog (
  account_id  bigint NOT NULL,
  modseq      bigint NOT NULL,
  mailbox_id  bigint NOT NULL,
  kind        mail.change_kind NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  uids        int8multirange,
  message_ids uuid[],
  PRIMARY KEY (account_id, modseq, mailbox_id, kind, at)
) PARTITION BY RANGE (at);
CREATE TABLE mail.changelog_default PARTITION OF mail.changelog DEFAULT;
ALTER TABLE mail.changelog_default ALTER message_ids SET STORAGE EXTERNAL;

-- What a delivery gave each target: outcome 0 stored, 1 over quota, 2 no such account, 3 no such mailbox,
-- 4 busy (try on the side lane), 5 staged blob gone, 6 skipped (another target failed and the call is atomic).
CREATE TYPE mail.delivery_result AS (
  target_no  integer,
  outcome    smallint,
  account_id bigint,
  mailbox_id bigint,
  uidvalidity bigint,
  uid        bigint,
  modseq     bigint,
  message_id uuid,
  thread_id  uuid
);

-- Idempotence: the id is a version 7 UUID, so its range is its day.
CREATE TABLE mail.delivery (
  delivery_id uuid PRIMARY KEY,
  results     mail.delivery_result[] NOT NULL,
  -- COPY and MOVE keep a summary instead of a row a message.
  summary     jsonb
) PARTITION BY RANGE (delivery_id);
CREATE TABLE mail.delivery_default PARTITION OF mail.delivery DEFAULT;

-- The story of a message or connection: one row an event, by trace id.
CREATE TABLE mail.trace (
  trace_id   uuid NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  daemon     text COLLATE "C" NOT NULL,
  event      text COLLATE "C" NOT NULL,
  sender     text COLLATE "C",
  recipient  text COLLATE "C",
  account_id bigint,
  code       integer,
  detail     jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (at);
CREATE INDEX trace_id ON mail.trace (trace_id);
CREATE TABLE mail.trace_default PARTITION OF mail.trace DEFAULT;
