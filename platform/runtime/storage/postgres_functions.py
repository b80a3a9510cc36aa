"""The expression functions on PostgreSQL: the same names and results as on SQLite, made once per database."""

from __future__ import annotations

from sqlalchemy import Connection, text

from dacheng.metadata.expression.text import LOWER

_LOCK = 0x6463_6578_7072  # "dcexpr"
_LOWERED = "".join(chr(code) for code in sorted(LOWER) if code > 127)
_LOWER_TO = "".join(chr(LOWER[code]) for code in sorted(LOWER) if code > 127)

_SQL = (
    ("dc_fit(x numeric) RETURNS numeric", "sql", "SELECT CASE WHEN abs(x) < 1000000000000000000 THEN x END"),
    (
        "dc_round_at(x numeric, places int) RETURNS numeric",
        "plpgsql",
        """
        DECLARE base numeric := trunc(x, places); step numeric := power(10::numeric, -places); rest numeric;
        BEGIN
          IF places > 0 THEN step := ('1e-' || places)::numeric; END IF;
          rest := abs(x - base) * 2;
          IF rest > step OR (rest = step AND mod(div(abs(base), step), 2) = 1) THEN
            base := base + sign(x) * step;
          END IF;
          RETURN dc_fit(base);
        END""",
    ),
    ("dc_add(a numeric, b numeric) RETURNS numeric", "sql", "SELECT dc_fit(a + b)"),
    ("dc_sub(a numeric, b numeric) RETURNS numeric", "sql", "SELECT dc_fit(a - b)"),
    ("dc_mul(a numeric, b numeric) RETURNS numeric", "sql", "SELECT dc_round_at(a * b, 6)"),
    (
        "dc_div(a numeric, b numeric) RETURNS numeric",
        "plpgsql",
        """
        DECLARE n numeric := abs(a) * 1000000; d numeric := abs(b); q numeric; r numeric;
        BEGIN
          IF b = 0 THEN RETURN NULL; END IF;
          q := div(n, d); r := (n - q * d) * 2;
          IF r > d OR (r = d AND mod(q, 2) = 1) THEN q := q + 1; END IF;
          RETURN dc_fit(q * 0.000001 * sign(a) * sign(b));
        END""",
    ),
    ("dc_mod(a numeric, b numeric) RETURNS numeric", "sql", "SELECT CASE WHEN b <> 0 THEN mod(a, b) END"),
    ("dc_neg(a numeric) RETURNS numeric", "sql", "SELECT -a"),
    ("dc_abs(a numeric) RETURNS numeric", "sql", "SELECT abs(a)"),
    (
        "dc_round(x numeric, digits numeric) RETURNS numeric",
        "plpgsql",
        """
        BEGIN
          digits := trunc(digits);
          IF digits >= 6 THEN RETURN x; END IF;
          IF digits < -18 THEN RETURN 0; END IF;
          RETURN dc_round_at(x, digits::int);
        END""",
    ),
    (
        "dc_scaled(x numeric, places int) RETURNS bigint",
        "plpgsql",
        """
        DECLARE scaled numeric := dc_round_at(x, places) * power(10::numeric, places);
        BEGIN
          RETURN CASE WHEN abs(scaled) <= 9223372036854775807 THEN trunc(scaled)::bigint END;
        END""",
    ),
    ("dc_num_text(x numeric) RETURNS text", "sql", "SELECT trim_scale(x)::text"),
    (
        "dc_within(x bigint, low bigint, high bigint) RETURNS bigint",
        "sql",
        "SELECT CASE WHEN x BETWEEN low AND high THEN x END",
    ),
    ("dc_min(a numeric, b numeric) RETURNS numeric", "sql", "SELECT least(a, b)"),
    ("dc_max(a numeric, b numeric) RETURNS numeric", "sql", "SELECT greatest(a, b)"),
    ("dc_min(a bigint, b bigint) RETURNS bigint", "sql", "SELECT least(a, b)"),
    ("dc_max(a bigint, b bigint) RETURNS bigint", "sql", "SELECT greatest(a, b)"),
    (
        "dc_min(a text, b text) RETURNS text",
        "sql",
        'SELECT CASE WHEN a COLLATE "C" < b COLLATE "C" THEN a ELSE b END',
    ),
    (
        "dc_max(a text, b text) RETURNS text",
        "sql",
        'SELECT CASE WHEN a COLLATE "C" > b COLLATE "C" THEN a ELSE b END',
    ),
    (
        "dc_lower(x text) RETURNS text",
        "plpgsql",
        f"""
        BEGIN
          IF octet_length(x) = char_length(x) THEN RETURN lower(x COLLATE "C"); END IF;
          IF x COLLATE "C" !~ '[\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff\uff21-\uff3a]' THEN
            RETURN translate(x, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
          END IF;
          RETURN translate(x, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ{_LOWERED}', 'abcdefghijklmnopqrstuvwxyz{_LOWER_TO}');
        END""",
    ),
    (
        "dc_substr(x text, start numeric, size numeric) RETURNS text",
        "sql",
        """
        SELECT substr(x, first + 1, greatest(least(CASE WHEN trunc(size) < 0 THEN char_length(x) + trunc(size)
          ELSE first + trunc(size) END, char_length(x)) - first, 0)::int)
        FROM (SELECT least(CASE WHEN trunc(start) < 0 THEN greatest(char_length(x) + trunc(start), 0)
          ELSE trunc(start) END, char_length(x))::int AS first) AS place""",
    ),
    (
        "dc_day(x text) RETURNS date",
        "sql",
        "SELECT make_date(substr(x, 1, 4)::int, substr(x, 6, 2)::int, substr(x, 9, 2)::int)",
    ),
    (
        "dc_date_of(ms bigint, zone text) RETURNS text",
        "sql",
        """
        SELECT CASE WHEN ms BETWEEN -62135510400000 AND 253402214400000 THEN
          to_char(to_timestamp(floor(ms / 1000.0)::double precision) AT TIME ZONE zone, 'YYYY-MM-DD') END""",
    ),
    (
        "dc_hour_of(ms bigint, zone text) RETURNS bigint",
        "sql",
        """
        SELECT CASE WHEN ms BETWEEN -62135510400000 AND 253402214400000 THEN
          extract(hour FROM to_timestamp(floor(ms / 1000.0)::double precision) AT TIME ZONE zone)::bigint END""",
    ),
    (
        "dc_date_text(x text) RETURNS text",
        "plpgsql",
        """
        DECLARE y int; m int; d int;
        BEGIN
          IF char_length(x) <> 10 OR x !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN RETURN NULL; END IF;
          y := substr(x, 1, 4)::int; m := substr(x, 6, 2)::int; d := substr(x, 9, 2)::int;
          IF y < 1 OR m < 1 OR m > 12 OR d < 1 THEN RETURN NULL; END IF;
          IF d > extract(day FROM make_date(y, m, 1) + interval '1 month - 1 day') THEN RETURN NULL; END IF;
          RETURN x;
        END""",
    ),
    (
        "dc_add_days(x text, n numeric) RETURNS text",
        "sql",
        """
        SELECT CASE WHEN dc_day(x) - '0001-01-01'::date + trunc(n) BETWEEN 0 AND 3652058
          THEN to_char(dc_day(x) + trunc(n)::int, 'YYYY-MM-DD') END""",
    ),
    (
        "dc_add_months(x text, n numeric) RETURNS text",
        "sql",
        """
        SELECT CASE WHEN substr(x, 1, 4)::int * 12 + substr(x, 6, 2)::int - 1 + trunc(n) BETWEEN 12 AND 119999
          THEN to_char(dc_day(x) + make_interval(months => trunc(n)::int), 'YYYY-MM-DD') END""",
    ),
    (
        "dc_start_of(unit text, x text) RETURNS text",
        "sql",
        "SELECT to_char(date_trunc(unit, dc_day(x)::timestamp), 'YYYY-MM-DD')",
    ),
    ("dc_days(a text, b text) RETURNS numeric", "sql", "SELECT (dc_day(b) - dc_day(a))::numeric"),
    (
        "dc_weekdays(x date) RETURNS int",
        "sql",
        """
        SELECT (x - date '0001-01-01' + 1) / 7 * 5 + least((x - date '0001-01-01' + 1) % 7, 5)""",
    ),
    (
        "dc_listed(days text, a text, b text) RETURNS int",
        "sql",
        """
        SELECT count(*)::int FROM unnest(string_to_array(days, ',')) AS day
        WHERE day COLLATE "C" > a AND day COLLATE "C" <= b""",
    ),
    (
        "dc_working_days(a text, b text, off_days text, extra text) RETURNS numeric",
        "plpgsql",
        """
        BEGIN
          IF a COLLATE "C" > b COLLATE "C" THEN RETURN -dc_working_days(b, a, off_days, extra); END IF;
          RETURN dc_weekdays(dc_day(b)) - dc_weekdays(dc_day(a)) + dc_listed(extra, a, b) - dc_listed(off_days, a, b);
        END""",
    ),
)


def install(connection: Connection) -> None:
    """Makes or renews every `dc_…` function in the connection's own schema, within its transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for signature, language, body in _SQL:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {signature} LANGUAGE {language} IMMUTABLE STRICT PARALLEL SAFE AS $dc$"
            f"{body.replace('%', '%%')}$dc$"
        )
