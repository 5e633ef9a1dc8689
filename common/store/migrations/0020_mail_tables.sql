-- Mail: accounts' state, mailboxes, entries, messages, blobs. docs/formats/ explains the byte columns.
--
-- Every writer locks mail.account_state first (accounts in id order); modseq, uid and uidvalidity come from rows
-- locked until commit, never from a sequence. account_id leads every key. entry, message, blob, blob_chunk and
-- text_extract are hash-partitioned by account. References between them are not foreign keys (a check a row would
-- double the price of COPY and EXPUNGE): the functions keep them under the account's lock, mail.check_account_v1
-- verifies them.
SET LOCAL ROLE dromos_owner;

CREATE TABLE mail.account_state (
  account_id       bigint PRIMARY KEY CHECK (account_id > 0),
  modseq           bigint NOT NULL DEFAULT 1 CHECK (modseq >= 1),
  -- JMAP states: the last modseq that changed an object of the type.
  email_modseq     bigint NOT NULL DEFAULT 1,
  mailbox_modseq   bigint NOT NULL DEFAULT 1,
  thread_modseq    bigint NOT NULL DEFAULT 1,
  -- Raised by mail.restored_v1: states and modseqs given out before a restore are void.
  state_epoch      integer NOT NULL DEFAULT 0 CHECK (state_epoch >= 0),
  uidvalidity_next bigint NOT NULL CHECK (uidvalidity_next BETWEEN 1 AND 4294967295),
  quota_bytes      bigint CHECK (quota_bytes >= 0),
  quota_messages   bigint CHECK (quota_messages >= 0),
  quota_mailboxes  bigint CHECK (quota_mailboxes >= 0),
  used_bytes       bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
  used_messages    bigint NOT NULL DEFAULT 0 CHECK (used_messages >= 0),
  -- Changes with a modseq above the floor are in mail.changelog; older ones may be gone.
  changelog_floor  bigint NOT NULL DEFAULT 0 CHECK (changelog_floor >= 0),
  -- Not later than the oldest row of this account in mail.expunged; NULL: none.
  expunged_since   timestamptz,
  CHECK (email_modseq <= modseq AND mailbox_modseq <= modseq AND thread_modseq <= modseq),
  CHECK (changelog_floor <= modseq)
) WITH (fillfactor = 40);

CREATE SEQUENCE mail.mailbox_id_seq;

CREATE TABLE mail.mailbox (
  account_id    bigint NOT NULL REFERENCES mail.account_state,
  mailbox_id    bigint NOT NULL DEFAULT nextval('mail.mailbox_id_seq') CHECK (mailbox_id > 0),
  parent_id     bigint CHECK (parent_id <> mailbox_id),
  name          text COLLATE "C" NOT NULL,
  -- RFC 6154 §2 without the backslash, lower-case; 'inbox' marks INBOX whatever its name's case.
  special_use   text COLLATE "C" CHECK (special_use IN
                  ('inbox', 'drafts', 'sent', 'trash', 'junk', 'archive', 'all', 'flagged', 'important')),
  subscribed    boolean NOT NULL DEFAULT true,
  selectable    boolean NOT NULL DEFAULT true,
  sort_order    integer NOT NULL DEFAULT 0,
  uidvalidity   bigint NOT NULL CHECK (uidvalidity BETWEEN 1 AND 4294967295),
  uidnext       bigint NOT NULL DEFAULT 1 CHECK (uidnext BETWEEN 1 AND 4294967296),
  -- The last modseq that touched anything in it, and the last that changed its own properties.
  highestmodseq bigint NOT NULL CHECK (highestmodseq >= 1),
  modseq        bigint NOT NULL CHECK (modseq <= highestmodseq),
  created_modseq bigint NOT NULL CHECK (created_modseq <= modseq),
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- Of all entries, and of those without \Deleted (what JMAP sees).
  all_count     bigint NOT NULL DEFAULT 0,
  all_seen      bigint NOT NULL DEFAULT 0,
  all_bytes     bigint NOT NULL DEFAULT 0,
  live_count    bigint NOT NULL DEFAULT 0,
  live_seen     bigint NOT NULL DEFAULT 0,
  live_bytes    bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, mailbox_id),
  FOREIGN KEY (account_id, parent_id) REFERENCES mail.mailbox (account_id, mailbox_id),
  CONSTRAINT mailbox_name_unique UNIQUE NULLS NOT DISTINCT (account_id, parent_id, name),
  CONSTRAINT mailbox_name_valid CHECK (octet_length(name) BETWEEN 1 AND 255 AND name !~ '[/\x01-\x1f\x7f]'
                                       AND name IS NFC NORMALIZED),
  CONSTRAINT mailbox_inbox_name CHECK (
    CASE WHEN parent_id IS NULL AND upper(name) = 'INBOX' THEN name = 'INBOX' AND special_use IS NOT DISTINCT FROM 'inbox'
         ELSE special_use IS DISTINCT FROM 'inbox' END),
  CHECK (all_seen BETWEEN 0 AND all_count AND live_seen BETWEEN 0 AND live_count),
  CHECK (live_count <= all_count AND live_seen <= all_seen AND live_bytes BETWEEN 0 AND all_bytes)
) WITH (fillfactor = 40);
CREATE UNIQUE INDEX mailbox_special_use ON mail.mailbox (account_id, special_use) WHERE special_use IS NOT NULL;

-- flags: 1 \Seen, 2 \Answered, 4 \Flagged, 8 \Deleted, 16 \Draft. keywords: lower-case, sorted, without repeats.
-- No index on flags, keywords or modseq: their updates must stay HOT.
CREATE TABLE mail.entry (
  account_id  bigint NOT NULL,
  mailbox_id  bigint NOT NULL,
  uid         bigint NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
  modseq      bigint NOT NULL,
  message_id  uuid NOT NULL,
  thread_id   uuid NOT NULL,
  received_at timestamptz NOT NULL,
  saved_at    timestamptz NOT NULL DEFAULT now(),
  size        bigint NOT NULL CHECK (size >= 0),
  flags       integer NOT NULL DEFAULT 0 CHECK (flags BETWEEN 0 AND 31),
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
  size           bigint NOT NULL CHECK (size >= 0),
  facts_version  integer NOT NULL,
  trace_id       uuid,
  blob_hash      bytea NOT NULL CHECK (octet_length(blob_hash) = 32),
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
  hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
  size        bigint NOT NULL CHECK (size >= 0),
  header_size bigint NOT NULL CHECK (header_size BETWEEN 0 AND size),
  refs        integer NOT NULL CHECK (refs >= 0),
  chunks      integer NOT NULL CHECK (chunks >= 1),
  codec       smallint NOT NULL,
  dict_id     smallint NOT NULL DEFAULT 0,
  key_id      smallint NOT NULL DEFAULT 0,
  idle_since  timestamptz,
  -- NULL: in this row and blob_chunk; else the name in the external store.
  location    text COLLATE "C",
  header      bytea,
  body        bytea,
  PRIMARY KEY (account_id, hash),
  CHECK ((refs = 0) = (idle_since IS NOT NULL)),
  CHECK ((location IS NULL) = (header IS NOT NULL AND body IS NOT NULL))
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
  kind        smallint NOT NULL CHECK (kind BETWEEN 1 AND 6),
  at          timestamptz NOT NULL DEFAULT now(),
  uids        int8multirange,
  message_ids uuid[],
  PRIMARY KEY (account_id, modseq, mailbox_id, kind, at),
  CHECK ((kind <= 3) = (uids IS NOT NULL AND message_ids IS NOT NULL))
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
