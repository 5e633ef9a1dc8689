-- What dromos-spamd has learned. Weights are whole numbers (units of 2^-20 log-odds), so that the sum does not depend on
-- the order of learning and forgetting takes back exactly what learning gave. Everything is keyed by the version of
-- the features: daemons of two releases keep two models side by side.
--
-- Learning locks the model's row first, which orders all events of a model: version is that order, and a reader that has
-- seen version n has seen all events up to n (never a sequence: those become visible out of order).
SET LOCAL ROLE dromos_owner;

CREATE TABLE spam.model (
  feature_version integer NOT NULL CHECK (feature_version > 0),
  account_id      bigint NOT NULL CHECK (account_id >= 0),   -- 0: shared by all; others: room for weights per account
  version         bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
  event_floor     bigint NOT NULL DEFAULT 0,                 -- events up to this version are gone: load the model anew
  ham             bigint NOT NULL DEFAULT 0 CHECK (ham >= 0),
  spam            bigint NOT NULL DEFAULT 0 CHECK (spam >= 0),
  bias            bigint NOT NULL DEFAULT 0,
  scale           double precision NOT NULL DEFAULT 1 CHECK (scale > 0),   -- calibration
  shift           double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (feature_version, account_id)
);

CREATE TABLE spam.token (
  hash            bigint NOT NULL,
  account_id      bigint NOT NULL,
  feature_version integer NOT NULL,
  weight          integer NOT NULL,
  ham             integer NOT NULL,
  spam            integer NOT NULL,
  PRIMARY KEY (feature_version, account_id, hash)
) WITH (fillfactor = 70);   -- learning updates unindexed columns only: HOT

-- One row an act of learning or forgetting: other nodes follow the model by it, and forgetting finds its tokens here.
CREATE TABLE spam.event (
  feature_version integer NOT NULL,
  account_id      bigint NOT NULL,
  version         bigint NOT NULL,
  learn_id        uuid NOT NULL,
  teacher_id      bigint NOT NULL,        -- account that taught, 0: the operator
  label           smallint NOT NULL CHECK (label IN (1, 2)),   -- 1 ham, 2 spam
  forget          boolean NOT NULL,
  tokens          bigint[] NOT NULL CHECK (cardinality(tokens) <= 4096),
  deltas          integer[] NOT NULL CHECK (cardinality(deltas) = 8),      -- by group: token & 15
  bias            bigint NOT NULL,
  at              timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (feature_version, account_id, version)
);

-- What is learned now: makes learning idempotent.
CREATE TABLE spam.learned (
  feature_version integer NOT NULL,
  learn_id        uuid NOT NULL,
  account_id      bigint NOT NULL,
  version         bigint NOT NULL,        -- of the event that taught it
  at              timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (feature_version, learn_id)
);

CREATE FUNCTION spam.add_weight(a integer, b bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT least(2147483647, greatest(-2147483648, a + b))::integer
$$;

-- Adds (p_sign 1) or takes back (-1) one event's deltas. The caller holds the model's row.
CREATE FUNCTION spam.apply_tokens(p_feature_version integer, p_account_id bigint, p_label smallint, p_sign integer,
                                  p_tokens bigint[], p_deltas integer[])
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, spam, pg_temp AS $$
  INSERT INTO spam.token AS t (hash, account_id, feature_version, weight, ham, spam)
  SELECT h, p_account_id, p_feature_version, p_sign * p_deltas[(h & 15) + 1],
         CASE WHEN p_label = 1 THEN greatest(p_sign, 0) ELSE 0 END, CASE WHEN p_label = 2 THEN greatest(p_sign, 0) ELSE 0 END
  FROM (SELECT DISTINCT unnest(p_tokens) AS h) d
  ON CONFLICT (feature_version, account_id, hash) DO UPDATE SET
    weight = spam.add_weight(t.weight, excluded.weight),
    ham = greatest(0, t.ham + CASE WHEN p_label = 1 THEN p_sign ELSE 0 END),
    spam = greatest(0, t.spam + CASE WHEN p_label = 2 THEN p_sign ELSE 0 END)
$$;

-- changed: false if the id is learned already.
CREATE FUNCTION spam.learn_v1(p_feature_version integer, p_learn_id uuid, p_teacher_id bigint, p_label integer, p_tokens bigint[],
                              p_deltas integer[], p_bias bigint, OUT changed boolean, OUT version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, spam, pg_temp AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO model (feature_version, account_id) VALUES (p_feature_version, 0) ON CONFLICT DO NOTHING;
  SELECT m.version INTO learn_v1.version FROM model m WHERE m.feature_version = p_feature_version AND m.account_id = 0 FOR UPDATE;
  IF EXISTS (SELECT FROM learned l WHERE l.feature_version = p_feature_version AND l.learn_id = p_learn_id) THEN
    learn_v1.changed := false;
    RETURN;
  END IF;
  learn_v1.version := learn_v1.version + 1;
  learn_v1.changed := true;
  INSERT INTO learned (feature_version, learn_id, account_id, version) VALUES (p_feature_version, p_learn_id, 0, learn_v1.version);
  INSERT INTO event (feature_version, account_id, version, learn_id, teacher_id, label, forget, tokens, deltas, bias)
  VALUES (p_feature_version, 0, learn_v1.version, p_learn_id, p_teacher_id, p_label, false, p_tokens, p_deltas, p_bias);
  PERFORM spam.apply_tokens(p_feature_version, 0, p_label::smallint, 1, p_tokens, p_deltas);
  UPDATE model m SET version = learn_v1.version, bias = m.bias + p_bias,
    ham = m.ham + (p_label = 1)::integer, spam = m.spam + (p_label = 2)::integer
  WHERE m.feature_version = p_feature_version AND m.account_id = 0;
END
$$;

-- Takes back what p_learn_id taught, from its own event. changed: false if it is not learned (or its event has expired).
CREATE FUNCTION spam.forget_v1(p_feature_version integer, p_learn_id uuid, p_teacher_id bigint, OUT changed boolean, OUT version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, spam, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_event event;
BEGIN
  SELECT m.version INTO forget_v1.version FROM model m WHERE m.feature_version = p_feature_version AND m.account_id = 0 FOR UPDATE;
  SELECT e.* INTO v_event FROM learned l JOIN event e USING (feature_version, account_id, version)
  WHERE l.feature_version = p_feature_version AND l.learn_id = p_learn_id;
  IF NOT FOUND THEN
    forget_v1.changed := false;
    forget_v1.version := coalesce(forget_v1.version, 0);
    RETURN;
  END IF;
  forget_v1.changed := true;
  forget_v1.version := forget_v1.version + 1;
  DELETE FROM learned l WHERE l.feature_version = p_feature_version AND l.learn_id = p_learn_id;
  INSERT INTO event (feature_version, account_id, version, learn_id, teacher_id, label, forget, tokens, deltas, bias)
  VALUES (p_feature_version, 0, forget_v1.version, p_learn_id, p_teacher_id, v_event.label, true, v_event.tokens,
          ARRAY(SELECT -d FROM unnest(v_event.deltas) WITH ORDINALITY AS u(d, n) ORDER BY n), -v_event.bias);
  PERFORM spam.apply_tokens(p_feature_version, 0, v_event.label, -1, v_event.tokens, v_event.deltas);
  UPDATE model m SET version = forget_v1.version, bias = m.bias - v_event.bias,
    ham = m.ham - (v_event.label = 1)::integer, spam = m.spam - (v_event.label = 2)::integer
  WHERE m.feature_version = p_feature_version AND m.account_id = 0;
END
$$;

-- Drops events older than p_keep, at most p_limit of them; what they taught stays learned and can no longer be forgotten.
CREATE FUNCTION spam.expire_v1(p_keep interval, p_limit integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, spam, pg_temp AS $$
DECLARE
  v_model model;
  v_floor bigint;
  v_gone bigint := 0;
  v_now bigint;
BEGIN
  FOR v_model IN SELECT * FROM model ORDER BY feature_version, account_id FOR UPDATE LOOP
    SELECT max(d.version) INTO v_floor FROM (
      SELECT e.version FROM event e
      WHERE e.feature_version = v_model.feature_version AND e.account_id = v_model.account_id AND e.at < now() - p_keep
      ORDER BY e.version LIMIT p_limit) d;
    CONTINUE WHEN v_floor IS NULL;
    DELETE FROM event e
    WHERE e.feature_version = v_model.feature_version AND e.account_id = v_model.account_id AND e.version <= v_floor;
    GET DIAGNOSTICS v_now = ROW_COUNT;
    v_gone := v_gone + v_now;
    UPDATE model m SET event_floor = v_floor WHERE m.feature_version = v_model.feature_version AND m.account_id = v_model.account_id;
  END LOOP;
  RETURN v_gone;
END
$$;

REVOKE ALL ON FUNCTION spam.add_weight(integer, bigint), spam.apply_tokens(integer, bigint, smallint, integer, bigint[], integer[]),
  spam.learn_v1(integer, uuid, bigint, integer, bigint[], integer[], bigint), spam.forget_v1(integer, uuid, bigint),
  spam.expire_v1(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spam.learn_v1(integer, uuid, bigint, integer, bigint[], integer[], bigint),
  spam.forget_v1(integer, uuid, bigint), spam.expire_v1(interval, integer) TO dromos_spamd;
-- The model is streamed by single-row mode, which cannot stream out of a function.
GRANT SELECT ON spam.model, spam.token, spam.event TO dromos_spamd;
