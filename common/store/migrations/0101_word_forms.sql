-- What imapd needs to search texts that the word index lacks, by the index's rules, without sending them here: the lexemes of a
-- query in each language, and which words of the texts give one of them.
SET LOCAL ROLE dromos_owner;

-- Lexemes of each word of a query, by its number (from 1) and that of the language. A word of which one is asked as a prefix gives
-- prefixes. No row: a stop word there.
CREATE FUNCTION mail.word_forms_v1(p_languages text[], p_word text[], p_prefix boolean[])
RETURNS TABLE (language bigint, word bigint, lexeme text, prefix boolean) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET client_min_messages = 'warning' AS $$
  SELECT l.no, w.no, f.part[1], f.part[2] <> ''
  FROM unnest(p_languages) WITH ORDINALITY AS l (name, no)
  CROSS JOIN unnest(p_word, p_prefix) WITH ORDINALITY AS w (word, prefix, no)
  CROSS JOIN LATERAL regexp_matches(word_lexemes(word_config(l.name), w.word, '', w.prefix)::text, '''([^'']+)''(:\*)?', 'g') AS f (part)
$$;

-- Of words of texts: which lexeme (of p_lexeme, from 1) each gives in which language.
CREATE FUNCTION mail.word_stems_v1(p_languages text[], p_word text[], p_lexeme text[], p_prefix boolean[])
RETURNS TABLE (language bigint, word bigint, lexeme bigint) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET client_min_messages = 'warning' AS $$
DECLARE
  v_config regconfig;
BEGIN
  FOR i IN 1 .. cardinality(p_languages) LOOP
    v_config := word_config(p_languages[i]);
    RETURN QUERY
      SELECT i::bigint, s.no, q.no
      FROM (SELECT w.no, v.lexeme FROM unnest(p_word) WITH ORDINALITY AS w (word, no)
            CROSS JOIN LATERAL unnest(to_tsvector(v_config, w.word)) AS v) s
      JOIN unnest(p_lexeme, p_prefix) WITH ORDINALITY AS q (lexeme, prefix, no)
        ON s.lexeme = q.lexeme OR (q.prefix AND starts_with(s.lexeme, q.lexeme));
  END LOOP;
END
$$;

-- What the account's mail was found to be written in.
CREATE FUNCTION mail.word_languages_v1(p_account bigint) RETURNS SETOF text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  SELECT unnest(s.languages) FROM word_state s WHERE s.account_id = p_account
$$;

REVOKE ALL ON FUNCTION mail.word_forms_v1(text[], text[], boolean[]), mail.word_stems_v1(text[], text[], text[], boolean[]),
  mail.word_languages_v1(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail.word_forms_v1(text[], text[], boolean[]), mail.word_stems_v1(text[], text[], text[], boolean[]),
  mail.word_languages_v1(bigint) TO dromos_imapd;
