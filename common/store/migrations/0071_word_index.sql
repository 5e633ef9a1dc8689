-- Word index (docs/formats/word-index.md): a tsvector a message, found through GIN(account_id, tsv). Written in the
-- background by imapd; never flushed by itself (synchronous_commit off), since a crash takes rows and position alike
-- and both are made again from mail.text_extract.
SET LOCAL ROLE dromos_owner;

CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public;

CREATE TABLE mail.word_index (
  account_id bigint NOT NULL,
  message_id uuid NOT NULL,
  -- Lexemes without positions; those of the subject once more as 's/word', of addresses as 'a/word'.
  tsv        tsvector NOT NULL,
  PRIMARY KEY (account_id, message_id)
) PARTITION BY HASH (account_id);

-- Never compressed, and inline as far as a page goes: pglz and a TOAST row cost more than making the vector.
ALTER TABLE mail.word_index ALTER COLUMN tsv SET STORAGE EXTERNAL;

DO $$
BEGIN
  FOR i IN 0..31 LOOP
    EXECUTE format('CREATE TABLE mail.word_index_p%s PARTITION OF mail.word_index FOR VALUES WITH (MODULUS 32, REMAINDER %s)'
                   ' WITH (toast_tuple_target = 8160)', i, i);
  END LOOP;
END
$$;
-- New rows gather in a pending list until mail.word_index_clean_v1; the limit only bounds what a search has to scan.
CREATE INDEX word_index_words ON mail.word_index USING gin (account_id, tsv) WITH (fastupdate = on, gin_pending_list_limit = 16384);

-- Every message that came with a modseq up to this one is in the index. 0: begin anew.
CREATE TABLE mail.word_state (
  account_id bigint PRIMARY KEY REFERENCES mail.account_state ON DELETE CASCADE,
  modseq     bigint NOT NULL DEFAULT 0 CHECK (modseq >= 0),
  -- What the account's messages were taken to be written in: configurations of pg_catalog.
  languages  text[] COLLATE "C" NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- A message's words go with it.
CREATE FUNCTION mail.word_index_forget() RETURNS trigger LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_account bigint;
  v_ids uuid[];
BEGIN
  FOR v_account, v_ids IN SELECT g.account_id, array_agg(g.message_id) FROM gone g GROUP BY 1 ORDER BY 1 LOOP
    DELETE FROM word_index w WHERE w.account_id = v_account AND w.message_id = ANY (v_ids);
  END LOOP;
  RETURN NULL;
END
$$;
CREATE TRIGGER word_index_forget AFTER DELETE ON mail.message REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION mail.word_index_forget();

-- These three are called for each document: without settings of their own, so that they are inlined.
CREATE FUNCTION mail.word_config(p_language text) RETURNS regconfig LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT c.oid FROM pg_catalog.pg_ts_config c
                   WHERE c.cfgname = p_language AND c.cfgnamespace = 'pg_catalog'::pg_catalog.regnamespace),
                  'pg_catalog.simple'::pg_catalog.regconfig)::pg_catalog.regconfig
$$;

-- Lexemes hold no blanks: they come from words, which are separated by them.
CREATE FUNCTION mail.word_tagged(p_lexemes text[], p_tag text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT p_lexemes OPERATOR(pg_catalog.||) CASE WHEN pg_catalog.cardinality(p_lexemes) OPERATOR(pg_catalog.=) 0 THEN p_lexemes ELSE
    pg_catalog.string_to_array(p_tag OPERATOR(pg_catalog.||) pg_catalog.array_to_string(p_lexemes, ' ' OPERATOR(pg_catalog.||) p_tag), ' ') END
$$;

-- p_bigrams is blank-separated: PostgreSQL's parser has no say in them. (Weights would need positions: a lexeme without
-- one satisfies any weight.)
CREATE FUNCTION mail.word_vector(p_config regconfig, p_subject text, p_addresses text, p_body text, p_bigrams text) RETURNS tsvector
LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.array_to_tsvector(
    pg_catalog.tsvector_to_array(pg_catalog.to_tsvector(p_config, p_body))
    OPERATOR(pg_catalog.||) mail.word_tagged(pg_catalog.tsvector_to_array(pg_catalog.to_tsvector(p_config, p_subject)), 's/')
    OPERATOR(pg_catalog.||) mail.word_tagged(pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', p_addresses)), 'a/')
    OPERATOR(pg_catalog.||) pg_catalog.string_to_array(p_bigrams, ' '))
$$;

-- Accounts of the shard after p_after whose mail has moved past their index (cross-account).
CREATE FUNCTION mail.word_pending_v1(p_after bigint, p_shard integer, p_shards integer, p_limit integer)
RETURNS TABLE (account_id bigint, modseq bigint, indexed bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT s.account_id, s.modseq, coalesce(w.modseq, 0)
  FROM account_state s LEFT JOIN word_state w ON w.account_id = s.account_id
  WHERE s.account_id > p_after AND s.account_id % p_shards = p_shard AND s.email_modseq > coalesce(w.modseq, 0)
  ORDER BY s.account_id LIMIT p_limit
$$;

-- Messages that the index lacks, in id order after p_after. STABLE: all of it in one snapshot, so that modseq covers
-- everything not named. The changelog names what came since the position; without one, or when the changelog no longer
-- reaches back to it, all messages are compared.
CREATE FUNCTION mail.word_tail_v1(p_account bigint, p_after uuid, p_limit integer)
RETURNS TABLE (message_ids uuid[], modseq bigint, whole boolean) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_position bigint;
  v_floor bigint;
BEGIN
  SELECT a.modseq, a.changelog_floor, coalesce(w.modseq, 0) INTO modseq, v_floor, v_position
  FROM account_state a LEFT JOIN word_state w ON w.account_id = a.account_id WHERE a.account_id = p_account;
  IF NOT FOUND THEN
    RETURN QUERY SELECT '{}'::uuid[], 0::bigint, true;
    RETURN;
  END IF;
  IF v_position = 0 OR v_position < v_floor THEN
    SELECT array_agg(s.message_id) INTO message_ids FROM (
      SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id > p_after
        AND NOT EXISTS (SELECT FROM word_index w WHERE w.account_id = p_account AND w.message_id = m.message_id)
      ORDER BY m.message_id LIMIT p_limit + 1) s;
  ELSE
    SELECT array_agg(s.id) INTO message_ids FROM (
      SELECT DISTINCT i.id FROM changelog c, unnest(c.message_ids) AS i (id)
      WHERE c.account_id = p_account AND c.modseq > v_position AND c.kind = 1 AND i.id > p_after
        AND NOT EXISTS (SELECT FROM word_index w WHERE w.account_id = p_account AND w.message_id = i.id)
        AND EXISTS (SELECT FROM message m WHERE m.account_id = p_account AND m.message_id = i.id)
      ORDER BY i.id LIMIT p_limit + 1) s;
  END IF;
  whole := coalesce(cardinality(message_ids), 0) <= p_limit;
  message_ids := coalesce(message_ids[:p_limit], '{}');
  RETURN NEXT;
END
$$;

-- Puts documents; those whose message is gone are passed over, those there already stay. The messages' rows are held
-- (KEY SHARE) against a deletion at the same moment; what a deletion holds already is skipped and counted. A document
-- that PostgreSQL refuses gets an empty vector, so that it cannot stop the others for ever.
CREATE FUNCTION mail.word_index_put_v1(p_account bigint, p_ids uuid[], p_language text[], p_subject text[], p_addresses text[],
                                       p_body text[], p_bigrams text[])
RETURNS TABLE (skipped bigint, partition text) LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan SET client_min_messages = 'warning' AS $$
DECLARE
  v_there bigint;
  v_live uuid[];
  v_doc record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO word_state (account_id) VALUES (p_account) ON CONFLICT DO NOTHING;
  PERFORM FROM word_state s WHERE s.account_id = p_account FOR UPDATE;  -- one writer an account
  SELECT array_agg(l.message_id) INTO v_live FROM (
    SELECT m.message_id FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids) FOR KEY SHARE SKIP LOCKED) l;
  SELECT count(*) INTO v_there FROM message m WHERE m.account_id = p_account AND m.message_id = ANY (p_ids);
  skipped := greatest(0, v_there - coalesce(cardinality(v_live), 0));
  BEGIN
    INSERT INTO word_index (account_id, message_id, tsv)
    SELECT p_account, d.id, word_vector(word_config(d.language), d.subject, d.addresses, d.body, d.bigrams)
    FROM unnest(p_ids, p_language, p_subject, p_addresses, p_body, p_bigrams) AS d (id, language, subject, addresses, body, bigrams)
    WHERE d.id = ANY (v_live) ORDER BY d.id
    ON CONFLICT DO NOTHING;
  EXCEPTION WHEN program_limit_exceeded OR data_exception OR syntax_error THEN
    FOR v_doc IN
      SELECT * FROM unnest(p_ids, p_language, p_subject, p_addresses, p_body, p_bigrams) AS d (id, language, subject, addresses, body, bigrams)
      WHERE d.id = ANY (v_live) ORDER BY d.id
    LOOP
      BEGIN
        INSERT INTO word_index (account_id, message_id, tsv) VALUES (p_account, v_doc.id,
          word_vector(word_config(v_doc.language), v_doc.subject, v_doc.addresses, v_doc.body, v_doc.bigrams)) ON CONFLICT DO NOTHING;
      EXCEPTION WHEN program_limit_exceeded OR data_exception OR syntax_error THEN
        INSERT INTO word_index (account_id, message_id, tsv) VALUES (p_account, v_doc.id, '') ON CONFLICT DO NOTHING;
      END;
    END LOOP;
  END;
  UPDATE word_state s SET languages = (SELECT array_agg(DISTINCT l ORDER BY l) FROM unnest(s.languages || p_language) l)
  WHERE s.account_id = p_account AND NOT s.languages @> p_language;
  SELECT w.tableoid::regclass::text INTO partition FROM word_index w WHERE w.account_id = p_account LIMIT 1;
  RETURN NEXT;
END
$$;

CREATE FUNCTION mail.word_position_v1(p_account bigint, p_modseq bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO word_state AS s (account_id, modseq) VALUES (p_account, p_modseq)
  ON CONFLICT (account_id) DO UPDATE SET modseq = greatest(s.modseq, excluded.modseq);
END
$$;

-- Pages moved from the pending list of a partition (as word_index_put_v1 names it) into its index.
CREATE FUNCTION mail.word_index_clean_v1(p_partition text) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_pages bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT sum(gin_clean_pending_list(x.indexrelid)) INTO v_pages
  FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am a ON a.oid = c.relam
  WHERE i.inhparent = 'mail.word_index'::regclass AND a.amname = 'gin' AND i.inhrelid = to_regclass(p_partition);
  RETURN coalesce(v_pages, 0);
END
$$;

-- Forgets an account's index, which is then made anew.
CREATE FUNCTION mail.word_index_reset_v1(p_account bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  UPDATE word_state s SET modseq = 0, languages = '{}' WHERE s.account_id = p_account;
  DELETE FROM word_index w WHERE w.account_id = p_account;
END
$$;

-- A word as tsquery, each lexeme tagged. A word that the parser splits would be a phrase, which has no meaning without
-- positions: all its parts. NULL: a stop word.
CREATE FUNCTION mail.word_lexemes(p_config regconfig, p_word text, p_tag text, p_prefix boolean) RETURNS tsquery LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT nullif(regexp_replace(regexp_replace(to_tsquery(p_config, quote_literal(p_word) || CASE WHEN p_prefix THEN ':*' ELSE '' END)::text,
                                              '<[-0-9]+>', '&', 'g'), '''([^'']+)''', '''' || p_tag || '\1''', 'g'), '')::tsquery
$$;

-- Per language the words (stemmed, or plain as in addresses) that are no stop words there, all of them; any language.
-- p_tag: '', 's/' or 'a/' a word. p_bigrams: a tsquery as text, or ''. NULL: nothing to look for.
CREATE FUNCTION mail.word_query(p_languages text[], p_word text[], p_tag text[], p_prefix boolean[], p_bigrams text) RETURNS tsquery
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_language text;
  v_all tsquery;
  v_one tsquery;
  v_word tsquery;
BEGIN
  FOREACH v_language IN ARRAY p_languages || 'simple'::text LOOP
    v_one := NULL;
    FOR i IN 1 .. cardinality(p_word) LOOP
      v_word := word_lexemes(word_config(v_language), p_word[i], p_tag[i], p_prefix[i]);
      CONTINUE WHEN v_word IS NULL;
      v_word := v_word || word_lexemes('simple', p_word[i], p_tag[i], p_prefix[i]);
      v_one := coalesce(v_one && v_word, v_word);
    END LOOP;
    v_all := coalesce(v_all || v_one, v_all, v_one);
  END LOOP;
  IF p_bigrams <> '' THEN
    v_all := coalesce(v_all && p_bigrams::tsquery, p_bigrams::tsquery);
  END IF;
  RETURN v_all;
END
$$;

CREATE FUNCTION mail.word_search_v1(p_account bigint, p_word text[], p_tag text[], p_prefix boolean[], p_bigrams text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off SET client_min_messages = 'warning' AS $$
DECLARE
  v_query tsquery;
BEGIN
  v_query := word_query((SELECT s.languages FROM word_state s WHERE s.account_id = p_account), p_word, p_tag, p_prefix, p_bigrams);
  IF v_query IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT w.message_id FROM word_index w WHERE w.account_id = p_account AND w.tsv @@ v_query;
END
$$;

-- The same of documents that are not in the index; in their order.
CREATE FUNCTION mail.word_match_v1(p_account bigint, p_word text[], p_tag text[], p_prefix boolean[], p_query_bigrams text, p_language text[],
                                   p_subject text[], p_addresses text[], p_body text[], p_bigrams text[]) RETURNS SETOF boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET client_min_messages = 'warning' AS $$
DECLARE
  v_query tsquery;
BEGIN
  v_query := word_query(p_language || (SELECT s.languages FROM word_state s WHERE s.account_id = p_account), p_word, p_tag, p_prefix, p_query_bigrams);
  RETURN QUERY SELECT v_query IS NOT NULL AND word_vector(word_config(d.language), d.subject, d.addresses, d.body, d.bigrams) @@ v_query
  FROM unnest(p_language, p_subject, p_addresses, p_body, p_bigrams) WITH ORDINALITY AS d (language, subject, addresses, body, bigrams, no) ORDER BY d.no;
END
$$;

REVOKE ALL ON mail.word_index, mail.word_state FROM PUBLIC;
REVOKE ALL ON FUNCTION mail.word_index_forget(), mail.word_config(text), mail.word_tagged(text[], text), mail.word_lexemes(regconfig, text, text, boolean),
  mail.word_vector(regconfig, text, text, text, text),
  mail.word_pending_v1(bigint, integer, integer, integer), mail.word_tail_v1(bigint, uuid, integer),
  mail.word_index_put_v1(bigint, uuid[], text[], text[], text[], text[], text[]), mail.word_position_v1(bigint, bigint),
  mail.word_index_clean_v1(text), mail.word_index_reset_v1(bigint), mail.word_query(text[], text[], text[], boolean[], text),
  mail.word_search_v1(bigint, text[], text[], boolean[], text),
  mail.word_match_v1(bigint, text[], text[], boolean[], text, text[], text[], text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.word_pending_v1(bigint, integer, integer, integer), mail.word_tail_v1(bigint, uuid, integer),
  mail.word_index_put_v1(bigint, uuid[], text[], text[], text[], text[], text[]), mail.word_position_v1(bigint, bigint),
  mail.word_index_clean_v1(text), mail.word_index_reset_v1(bigint) TO dromos_imapd;
GRANT EXECUTE ON FUNCTION mail.word_tail_v1(bigint, uuid, integer), mail.word_search_v1(bigint, text[], text[], boolean[], text),
  mail.word_match_v1(bigint, text[], text[], boolean[], text, text[], text[], text[], text[], text[]) TO dromos_imapd, dromos_jmapd;
