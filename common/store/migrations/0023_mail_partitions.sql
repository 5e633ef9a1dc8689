-- Partitions by time: made ahead, dropped when old. The default partitions catch what comes while nobody made any;
-- their rows move into the right partition when it is made.
SET LOCAL ROLE dromos_owner;

-- The smallest version 7 UUID of that moment.
CREATE FUNCTION mail.uuid7_floor(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

CREATE FUNCTION mail.partition_make(p_table text, p_column text, p_name text, p_from text, p_to text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, mail, pg_temp AS $$
BEGIN
  IF to_regclass('mail.' || p_name) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE mail.%I (LIKE mail.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', p_name, p_table);
  IF p_table = 'changelog' THEN
    EXECUTE format('ALTER TABLE mail.%I ALTER message_ids SET STORAGE EXTERNAL', p_name);
  END IF;
  EXECUTE format('WITH moved AS (DELETE FROM mail.%I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO mail.%I SELECT * FROM moved',
                 p_table || '_default', p_column, p_from, p_column, p_to, p_name);
  EXECUTE format('ALTER TABLE mail.%I ATTACH PARTITION mail.%I FOR VALUES FROM (%L) TO (%L)', p_table, p_name, p_from, p_to);
  RETURN true;
END
$$;

-- Makes the partitions of the period around p_now and two periods ahead; returns how many. Days and weeks are UTC.
CREATE FUNCTION mail.partitions_make_v1(p_now timestamptz) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  v_made integer := 0;
  v_from timestamptz;
  v_to timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(7205759403792793601);  -- one maker at a time
  FOR i IN 0 .. 2 LOOP
    v_from := date_trunc('day', p_now) + make_interval(days => i);
    v_to := v_from + interval '1 day';
    v_made := v_made
      + partition_make('delivery', 'delivery_id', 'delivery_' || to_char(v_from, 'YYYYMMDD'),
                       uuid7_floor(v_from)::text, uuid7_floor(v_to)::text)::integer
      + partition_make('trace', 'at', 'trace_' || to_char(v_from, 'YYYYMMDD'), v_from::text, v_to::text)::integer;
    v_from := date_trunc('week', p_now) + make_interval(weeks => i);
    v_made := v_made + partition_make('changelog', 'at', 'changelog_' || to_char(v_from, 'YYYYMMDD'),
                                      v_from::text, (v_from + interval '1 week')::text)::integer;
  END LOOP;
  RETURN v_made;
END
$$;

-- Partitions that lie wholly before p_before, oldest first.
CREATE FUNCTION mail.partitions_old(p_table text, p_before timestamptz) RETURNS SETOF text LANGUAGE sql STABLE
SET search_path = pg_catalog, mail, pg_temp SET timezone = 'UTC' AS $$
  SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = ('mail.' || p_table)::regclass AND c.relname ~ '_[0-9]{8}$'
    AND to_date(right(c.relname, 8), 'YYYYMMDD')::timestamptz
        + CASE WHEN p_table = 'changelog' THEN interval '1 week' ELSE interval '1 day' END <= p_before
  ORDER BY c.relname
$$;

-- Drops partitions of delivery or trace whose whole time lies before p_before; returns how many.
CREATE FUNCTION mail.partitions_drop_v1(p_table text, p_before timestamptz) RETURNS integer LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_name text;
  v_dropped integer := 0;
BEGIN
  IF p_table NOT IN ('delivery', 'trace') THEN
    RAISE EXCEPTION 'table % is not dropped by time', p_table USING ERRCODE = 'DRINV';
  END IF;
  FOR v_name IN SELECT * FROM partitions_old(p_table, p_before) LOOP
    EXECUTE format('DROP TABLE mail.%I', v_name);
    v_dropped := v_dropped + 1;
  END LOOP;
  RETURN v_dropped;
END
$$;

-- Raises changelog_floor over the oldest changelog partition before p_before, for at most p_limit accounts after
-- p_after, under their locks. Returns the last account done, or NULL when none was left and the partition is dropped.
-- Called until it gives NULL, each call in its own transaction.
CREATE FUNCTION mail.changelog_trim_v1(p_before timestamptz, p_after bigint, p_limit integer) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
DECLARE
  v_name text;
  v_accounts bigint[];
BEGIN
  SELECT n INTO v_name FROM partitions_old('changelog', p_before) AS n LIMIT 1;
  IF v_name IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT array_agg(account_id) FROM (SELECT DISTINCT account_id FROM mail.%I WHERE account_id > $1 ORDER BY 1 LIMIT $2) s', v_name)
    INTO v_accounts USING p_after, p_limit;
  IF v_accounts IS NULL THEN
    EXECUTE format('DROP TABLE mail.%I', v_name);
    RETURN NULL;
  END IF;
  PERFORM FROM account_state WHERE account_id = ANY (v_accounts) ORDER BY account_id FOR NO KEY UPDATE;
  EXECUTE format('UPDATE mail.account_state a SET changelog_floor = greatest(a.changelog_floor, s.top)
                  FROM (SELECT account_id, max(modseq) AS top FROM mail.%I WHERE account_id = ANY ($1) GROUP BY 1) s
                  WHERE a.account_id = s.account_id', v_name) USING v_accounts;
  RETURN v_accounts[cardinality(v_accounts)];
END
$$;

SELECT mail.partitions_make_v1(now());
