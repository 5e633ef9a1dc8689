-- Pruning of the spam model: a token that one lesson taught and none met again within p_keep is given up when that lesson's
-- event expires. It is itself an event (forget, tokens of the lesson, nothing of its bias), so that every node
-- follows to the same model; the token's weight is then exactly zero and its row goes.
SET LOCAL ROLE dromos_owner;

DROP FUNCTION spam.expire_v1(interval, integer);

-- Drops at most p_limit events of each model that are older than p_keep. What they taught stays learned, save for tokens
-- that nothing else taught, and can no longer be forgotten.
CREATE FUNCTION spam.prune_v1(p_keep interval, p_limit integer, OUT events bigint, OUT tokens bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, spam, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_model model;
  v_event event;
  v_lonely bigint[];
BEGIN
  prune_v1.events := 0;
  prune_v1.tokens := 0;
  FOR v_model IN SELECT * FROM model ORDER BY feature_version, account_id FOR UPDATE LOOP
    FOR v_event IN
      SELECT e.* FROM event e
      WHERE e.feature_version = v_model.feature_version AND e.account_id = v_model.account_id AND e.at < now() - p_keep
      ORDER BY e.version LIMIT p_limit
    LOOP
      prune_v1.events := prune_v1.events + 1;
      DELETE FROM event e WHERE e.feature_version = v_event.feature_version AND e.account_id = v_event.account_id
        AND e.version = v_event.version;
      v_model.event_floor := v_event.version;
      IF v_event.forget OR NOT EXISTS (
          SELECT FROM learned l WHERE l.feature_version = v_event.feature_version AND l.learn_id = v_event.learn_id
            AND l.version = v_event.version) THEN
        -- Taken back meanwhile: rows that nothing holds any more carry no weight.
        DELETE FROM token t WHERE t.feature_version = v_event.feature_version AND t.account_id = v_event.account_id
          AND t.hash = ANY (v_event.tokens) AND t.ham + t.spam = 0 AND t.weight = 0;
        CONTINUE;
      END IF;
      WITH gone AS (
        DELETE FROM token t WHERE t.feature_version = v_event.feature_version AND t.account_id = v_event.account_id
          AND t.hash = ANY (v_event.tokens) AND t.ham + t.spam = 1
          AND t.weight = v_event.deltas[(t.hash & 15) + 1] RETURNING t.hash)
      SELECT array_agg(g.hash ORDER BY g.hash) INTO v_lonely FROM gone g;
      CONTINUE WHEN v_lonely IS NULL;
      prune_v1.tokens := prune_v1.tokens + cardinality(v_lonely);
      v_model.version := v_model.version + 1;
      INSERT INTO event (feature_version, account_id, version, learn_id, teacher_id, label, forget, tokens, deltas, bias)
      VALUES (v_event.feature_version, v_event.account_id, v_model.version, v_event.learn_id, 0, v_event.label, true, v_lonely,
              ARRAY(SELECT -d FROM unnest(v_event.deltas) WITH ORDINALITY AS u(d, n) ORDER BY n), 0);
    END LOOP;
    UPDATE model m SET version = v_model.version, event_floor = v_model.event_floor
    WHERE m.feature_version = v_model.feature_version AND m.account_id = v_model.account_id
      AND (m.version, m.event_floor) IS DISTINCT FROM (v_model.version, v_model.event_floor);
  END LOOP;
END
$$;

REVOKE ALL ON FUNCTION spam.prune_v1(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spam.prune_v1(interval, integer) TO dromos_spamd;
