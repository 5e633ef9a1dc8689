-- The vectors of documents are made before the account's index and the messages' rows are held: making them takes most of the time, and a
-- purge of expunged messages, which holds its account, waits for the rows. What was said of word_index_put_v1 (0071) holds.
SET LOCAL ROLE dromos_owner;

-- A vector a document; an empty one of what PostgreSQL refuses.
CREATE FUNCTION mail.word_vectors(p_language text[], p_subject text[], p_addresses text[], p_body text[], p_bigrams text[])
RETURNS tsvector[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, mail, pg_temp SET client_min_messages = 'warning' AS $$
DECLARE
  v_vectors tsvector[];
BEGIN
  BEGIN
    SELECT array_agg(word_vector(word_config(d.language), d.subject, d.addresses, d.body, d.bigrams) ORDER BY d.no) INTO v_vectors
    FROM unnest(p_language, p_subject, p_addresses, p_body, p_bigrams)
      WITH ORDINALITY AS d (language, subject, addresses, body, bigrams, no);
  EXCEPTION WHEN program_limit_exceeded OR data_exception OR syntax_error THEN
    v_vectors := '{}';
    FOR i IN 1 .. cardinality(p_language) LOOP
      BEGIN
        v_vectors[i] := word_vector(word_config(p_language[i]), p_subject[i], p_addresses[i], p_body[i], p_bigrams[i]);
      EXCEPTION WHEN program_limit_exceeded OR data_exception OR syntax_error THEN
        v_vectors[i] := '';
      END;
    END LOOP;
  END;
  RETURN v_vectors;
END
$$;
REVOKE ALL ON FUNCTION mail.word_vectors(text[], text[], text[], text[], text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION mail.word_index_put_v1(p_account bigint, p_ids uuid[], p_language text[], p_subject text[], p_addresses text[],
                                                  p_body text[], p_bigrams text[])
RETURNS TABLE (skipped bigint, partition text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET client_min_messages = 'warning' AS $$
DECLARE
  v_vectors tsvector[] := word_vectors(p_language, p_subject, p_addresses, p_body, p_bigrams);
  v_there bigint;
  v_live uuid[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO word_state (account_id) VALUES (p_account) ON CONFLICT DO NOTHING;
  PERFORM FROM word_state s WHERE s.account_id = p_account FOR UPDATE;  -- one writer an account
  SELECT array_agg(l.message_id) INTO v_live FROM (
    SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids) FOR KEY SHARE SKIP LOCKED) l;
  SELECT count(*) INTO v_there FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids);
  skipped := greatest(0, v_there - coalesce(cardinality(v_live), 0));
  INSERT INTO word_index (account_id, message_id, tsv)
  SELECT p_account, d.id, d.vector FROM unnest(p_ids, v_vectors) AS d (id, vector)
  WHERE d.id = ANY (v_live) ORDER BY d.id
  ON CONFLICT DO NOTHING;
  UPDATE word_state s SET languages = (SELECT array_agg(DISTINCT l ORDER BY l) FROM unnest(s.languages || p_language) l)
  WHERE s.account_id = p_account AND NOT s.languages @> p_language;
  SELECT w.tableoid::regclass::text INTO partition FROM word_index w WHERE w.account_id = p_account LIMIT 1;
  RETURN NEXT;
END
$$;
