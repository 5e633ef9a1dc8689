-- What each login and LIST asks costs less: an address is cut without regular expressions (each builds an automaton at each call), and
-- who shares with nobody is answered by one statement. What was said of each function where it was made holds.
SET LOCAL ROLE dromos_owner;

CREATE OR REPLACE FUNCTION directory.local_of(p_address text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN strpos(p_address, '@') = 0 THEN p_address
              ELSE left(p_address, char_length(p_address) - strpos(reverse(p_address), '@')) END;
END
$$;

CREATE OR REPLACE FUNCTION directory.domain_of(p_address text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN strpos(p_address, '@') = 0 THEN '' ELSE right(p_address, strpos(reverse(p_address), '@') - 1) END;
END
$$;

CREATE OR REPLACE FUNCTION mail.shared_with_v1(p_reader bigint)
RETURNS TABLE (account_id bigint, login text, is_shared boolean, mailbox_id bigint, rights integer, subscribed boolean,
               own_seen bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- Usually nobody shares anything, or nothing with groups, with all, or with this reader.
  IF NOT (EXISTS (SELECT FROM acl a WHERE a.grantee_account = p_reader) OR EXISTS (SELECT FROM acl a WHERE a.grantee_group IS NOT NULL)
          OR EXISTS (SELECT FROM acl a WHERE a.grantee_account IS NULL AND a.grantee_group IS NULL)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT s.account_id, l.local_part || '@' || d.name, o.shared, s.mailbox_id, s.rights,
         EXISTS (SELECT FROM subscription u WHERE u.reader_id = p_reader AND u.account_id = s.account_id AND u.mailbox_id = s.mailbox_id),
         CASE WHEN m.seen_rule > 0 THEN (
           SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM private_seen p, unnest(p.seen) r
           WHERE p.account_id = s.account_id AND p.mailbox_id = s.mailbox_id AND p.reader_id = p_reader) END
  FROM (
    SELECT a.account_id, a.mailbox_id,
           all_rights(a.rights) FILTER (WHERE NOT a.negative) & ~all_rights(a.rights) FILTER (WHERE a.negative) AS rights
    FROM acl_for(p_reader) a WHERE a.account_id <> p_reader GROUP BY 1, 2) s
  JOIN mailbox m ON m.account_id = s.account_id AND m.mailbox_id = s.mailbox_id
  JOIN directory.account o ON o.id = s.account_id AND o.enabled
  JOIN directory.address l ON l.account_id = s.account_id AND l.enabled
  JOIN directory.domain d ON d.id = l.domain_id AND d.enabled
  WHERE s.rights > 0 ORDER BY o.shared, 2, s.mailbox_id;
END
$$;
