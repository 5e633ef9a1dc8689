-- Queue: what waits to be sent on. Recipients are leased by any mta (docs/formats/cross-account.md: the queue
-- belongs to no account). A recipient that is done loses its row; the last one takes message and body along.
SET LOCAL ROLE dromos_owner;

CREATE TABLE queue.body (
  body_id     uuid PRIMARY KEY,
  size        bigint NOT NULL CHECK (size >= 0),
  chunks      integer NOT NULL CHECK (chunks >= 1),
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX body_created ON queue.body (created_at);

-- Chunk 0 is the header; format as in mail.blob.
CREATE TABLE queue.body_chunk (
  body_id  uuid NOT NULL REFERENCES queue.body ON DELETE CASCADE,
  chunk_no integer NOT NULL CHECK (chunk_no >= 0),
  codec    smallint NOT NULL,
  dict_id  smallint NOT NULL DEFAULT 0,
  key_id   smallint NOT NULL DEFAULT 0,
  data     bytea NOT NULL,
  PRIMARY KEY (body_id, chunk_no)
);
ALTER TABLE queue.body_chunk ALTER data SET STORAGE EXTERNAL;

CREATE TABLE queue.message (
  queue_id   uuid PRIMARY KEY,
  body_id    uuid NOT NULL REFERENCES queue.body,
  trace_id   uuid NOT NULL,
  -- '' is the null sender <>.
  sender     text COLLATE "C" NOT NULL CHECK (octet_length(sender) <= 512),
  -- Who submitted it, if anyone did.
  account_id bigint,
  size       bigint NOT NULL CHECK (size >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  -- ESMTP parameters (smtputf8, body, ret, envid, requiretls, ...), written and read by mta alone.
  options    jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX message_body ON queue.message (body_id);
CREATE INDEX message_account ON queue.message (account_id) WHERE account_id IS NOT NULL;

CREATE TABLE queue.recipient (
  queue_id     uuid NOT NULL REFERENCES queue.message ON DELETE CASCADE,
  recipient_no integer NOT NULL CHECK (recipient_no >= 0),
  address      text COLLATE "C" NOT NULL CHECK (octet_length(address) BETWEEN 1 AND 512),
  domain       text COLLATE "C" NOT NULL,
  transport    text COLLATE "C" NOT NULL CHECK (transport IN ('smtp', 'local', 'lmtp', 'relay')),
  state        text COLLATE "C" NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'held')),
  -- While leased, the end of the lease: a lost lease is due again by itself.
  due_at       timestamptz NOT NULL,
  lease_token  uuid,
  lease_until  timestamptz,
  attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_at      timestamptz,
  last_code    integer,
  last_reply   text,
  -- ORCPT, NOTIFY, whether a delay DSN went out: mta's.
  options      jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (queue_id, recipient_no),
  CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
  CHECK (lease_until IS NULL OR due_at = lease_until)
) WITH (fillfactor = 70);
CREATE INDEX recipient_due ON queue.recipient (due_at) WHERE state = 'due';
CREATE INDEX recipient_domain ON queue.recipient (domain, due_at);
