"""The search index: overlapping 1- and 2-grams of CJK, and lower-cased words, marked by their field.

Tokens carry a five-letter mark of their field, so that a search looks only into fields its asker may
read. SQLite keeps them in FTS5 (rowid = the record's row), PostgreSQL in a `tsvector` under GIN.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise, repeat
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Searched
from dacheng.runtime.storage.reader import Insertion, Prepared, Reader, Transaction
from dacheng.runtime.storage.tables import ROW, EntityTable, search_table

MAX_WORD = 64
MAX_TOKENS = 4000
MAX_QUERY_RUNS = 12
COMMON = MappingProxyType(  # hits from which a page is read in the order asked, each row looked up among them
    {"sqlite": 20_000, "postgresql": 5_000}
)
FETCHED = (
    100_000  # hits that PostgreSQL rather fetches and sorts than goes through a list that begins with others
)
_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_RUNS = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")
_LAST_LATIN = "\u2e7f"
_IS_CJK = re.compile(f"[{_CJK}]")


def runs(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text, folded (full width, case): each with whether it is CJK."""
    for found in _RUNS.finditer(unicodedata.normalize("NFKC", text).lower()):
        word = found.group()
        yield word, _IS_CJK.match(word) is not None


def grams(text: str) -> list[str]:
    """Every token of a text, without repeats: 张伟 → 张, 伟, 张伟; Acme-3 → acme, 3."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()
    tokens: list[str] = []
    for word in _RUNS.findall(folded):
        if word[0] > _LAST_LATIN and _IS_CJK.match(word):
            tokens.extend(word)
            tokens.extend([first + second for first, second in pairwise(word)])
        else:
            tokens.append(word[:MAX_WORD])
    return list(dict.fromkeys(tokens[:MAX_TOKENS]))


@cache
def mark(field: str) -> str:
    """Five letters and digits that stand for a field."""
    return base64.b32encode(hashlib.sha256(field.encode()).digest())[:5].decode().lower()


def tokens_of(made: EntityTable, stored: Mapping[str, Sequence[Any]]) -> list[str]:
    """The tokens of a record's search fields."""
    fields = made.entity.fields
    tokens: list[str] = []
    for name in made.search:
        values = stored.get(name)
        if values is None or values[0] is None:
            continue
        tokens.extend(_tokens(fields[name], values))
    return tokens


def _tokens(target: Field, values: Sequence[Any]) -> list[str]:
    prefix = mark(target.id)
    return [prefix + gram for gram in grams(_text(target.codec, values))]


def _text(codec: Any, values: Sequence[Any]) -> str:
    if _says_what_is_searched(codec.__class__):
        return str(codec.searched(values))
    first = values[0]
    return first if isinstance(first, str) else str(codec.text(codec.load(values)))


@cache
def _says_what_is_searched(codec: Hashable) -> bool:
    return isinstance(codec, type) and issubclass(codec, Searched)


# ---------------------------------------------------------------- asking
def question(dialect: str, text: str, fields: Sequence[str]) -> str | None:
    """The text as the index's own query: every word in one of the fields; None when nothing can match.

    An empty text has no question to ask and must not come here.
    """
    parts = []
    for word, is_cjk in list(runs(text))[:MAX_QUERY_RUNS]:
        choices = [_all_of(dialect, mark(field), word, is_cjk) for field in fields]
        if not choices:
            return None
        parts.append("(" + (" OR " if dialect == "sqlite" else " | ").join(choices) + ")")
    if not parts:
        return None
    return (" AND " if dialect == "sqlite" else " & ").join(parts)


def _all_of(dialect: str, prefix: str, word: str, is_cjk: bool) -> str:
    pieces = ([a + b for a, b in pairwise(word)] or [word]) if is_cjk else [word[:MAX_WORD]]
    if dialect == "sqlite":
        quoted = [f'"{prefix}{piece}"' + ("" if is_cjk else " *") for piece in pieces[:MAX_WORD]]
        return "(" + " AND ".join(quoted) + ")"
    quoted = [f"'{prefix}{piece}'" + ("" if is_cjk else ":*") for piece in pieces[:MAX_WORD]]
    return "(" + " & ".join(quoted) + ")"


def matches(
    made: EntityTable, dialect: str, asked: sa.ColumnElement[str], *, in_order: bool | None = None
) -> sa.ColumnElement[bool]:
    """The condition that a record is found by the question bound as `asked`.

    `in_order` has the database go through the records in the order asked and look each up among the hits,
    False has it fetch every hit and sort them, None leaves it to the database.
    """
    row = made.table.c[ROW]
    if dialect == "sqlite":
        return (row + sa.literal_column("0") if in_order else row).in_(_hits(made, dialect, asked))
    if in_order is False:  # PostgreSQL takes hits for evenly spread over the order, which names are not
        return row == sa.any_(sa.func.array(_hits(made, dialect, asked).scalar_subquery()))
    return row.in_(_hits(made, dialect, asked))


def _hits(made: EntityTable, dialect: str, asked: sa.ColumnElement[str]) -> sa.Select[Any]:
    name = search_table(made.table.name)
    if dialect == "sqlite":
        index = sa.table(name, sa.column("rowid"), sa.column(name))
        return sa.select(index.c.rowid).where(index.c[name].op("MATCH")(asked))
    index = sa.table(name, sa.column("row"), sa.column("grams"))
    return sa.select(index.c.row).where(index.c.grams.op("@@")(sa.cast(asked, postgresql.TSQUERY)))


def is_common(reader: Reader, made: EntityTable, asked: str) -> bool:
    """Whether a question finds so much that going through the list in order is the shorter way."""
    key = ("search hits", reader.dialect)
    statement: Prepared | None = made.prepared.get(key)
    if statement is None:
        hits = _hits(made, reader.dialect, sa.bindparam("search", type_=sa.Text()))
        some = hits.limit(sa.bindparam("most", type_=sa.BigInteger())).subquery()
        counted = sa.select(sa.func.count()).select_from(some)
        statement = made.prepared[key] = Prepared(counted)
    most = COMMON[reader.dialect]
    if int(reader.scalar(statement, {"search": asked, "most": most})) < most:
        return False
    return reader.dialect == "sqlite" or not most <= _estimated(reader, made, asked) <= FETCHED


def _estimated(reader: Reader, made: EntityTable, asked: str) -> int:
    """How much PostgreSQL expects to find; names begin with surnames, and a list by name has one's bearers together."""
    hits = reader.compile(_hits(made, reader.dialect, sa.bindparam("search", type_=sa.Text())))
    ((found,),) = reader.fetch(f"EXPLAIN (FORMAT JSON) {hits}", {"search": asked})
    return int(found[0]["Plan"]["Plan Rows"])


# ---------------------------------------------------------------- keeping
def create_statements(made: EntityTable, dialect: str) -> tuple[str, ...]:
    """The index's own schema; the names are made from ids and need no quoting beyond this."""
    name = search_table(made.table.name)
    if dialect == "sqlite":
        options = "grams, tokenize='ascii', detail=none, columnsize=0"
        return (f'CREATE VIRTUAL TABLE IF NOT EXISTS "{name}" USING fts5({options})',)
    return (
        f'CREATE TABLE IF NOT EXISTS "{name}" ("row" bigint PRIMARY KEY, "grams" tsvector NOT NULL)',
        f'CREATE INDEX IF NOT EXISTS "{name}_grams" ON "{name}" USING gin ("grams")',
    )


def _statements(made: EntityTable, dialect: str) -> dict[str, Prepared]:
    found: dict[str, Prepared] | None = made.prepared.get(("search", dialect))
    if found is None:
        found = made.prepared["search", dialect] = _build(made, dialect)
    return found


def _build(made: EntityTable, dialect: str) -> dict[str, Prepared]:
    key = "rowid" if dialect == "sqlite" else "row"
    index = sa.table(search_table(made.table.name), sa.column(key), sa.column("grams"))
    given: sa.ColumnElement[Any] = sa.bindparam("grams", type_=sa.Text())
    if dialect != "sqlite":
        given = sa.func.array_to_tsvector(
            sa.cast(sa.bindparam("grams", type_=sa.types.NullType()), postgresql.ARRAY(sa.Text()))
        )
    row = sa.select(made.table.c[ROW]).where(made.table.c.id == sa.bindparam("key"))
    if dialect == "sqlite":  # from values alone: a select here would make FTS5 flush at every row
        put: Any = sa.insert(index).values({key: sa.bindparam("row"), "grams": given}).inline()
    else:
        put = sa.insert(index).from_select([key, "grams"], row.add_columns(given))
    of_record = index.c[key] == row.scalar_subquery()
    return {
        "put": Prepared(put),
        "change": Prepared(sa.update(index).where(of_record).values(grams=given)),
        "drop": Prepared(sa.delete(index).where(of_record)),
    }


def put(
    tx: Transaction,
    made: EntityTable,
    records: Sequence[tuple[str, Mapping[str, Sequence[Any]]]],
    rows: Sequence[int] = (),
) -> None:
    """Enter new records: (id, stored values by field); `rows` are their physical keys, needed on SQLite."""
    if not made.search:
        return
    given = [_params(made, tx.dialect, record) for record in records]
    if tx.dialect == "sqlite":
        for params, row in zip(given, rows, strict=True):
            params["row"] = row
    statement = _statements(made, tx.dialect)["put"]
    if len(given) == 1:
        tx.execute(statement, given[0])
    else:
        tx.execute(statement, given)


def put_batch(
    tx: Transaction,
    made: EntityTable,
    stored: Mapping[str, Sequence[Sequence[Any]]],
    numbers: Sequence[int],
) -> None:
    """Enter new records given by columns: a list per physical column of each field; `numbers` are their keys."""
    if not made.search:
        return
    parts = [_column_tokens(made.entity.fields[n], stored[n]) for n in made.search if n in stored]
    together = map(_chained, *parts) if parts else repeat([], len(numbers))
    is_sqlite = tx.dialect == "sqlite"
    texts = (" ".join(tokens) for tokens in together) if is_sqlite else map(_vector, together)
    into: Insertion | None = made.prepared.get(("search_insertion", tx.dialect))
    if into is None:
        into = Insertion(search_table(made.table.name), ("rowid" if is_sqlite else "row", "grams"))
        made.prepared["search_insertion", tx.dialect] = into
    tx.insert_many(into, zip(numbers, texts, strict=True))


def _column_tokens(target: Field, parts: Sequence[Sequence[Any]]) -> Iterator[list[str]]:
    """Each record's tokens of one field."""
    for values in zip(*parts, strict=True):
        yield [] if values[0] is None else _tokens(target, values)


def _chained(*parts: list[str]) -> list[str]:
    """The tokens of a record's fields behind one another."""
    return parts[0] if len(parts) == 1 else [token for part in parts for token in part]


def _vector(tokens: Sequence[str]) -> str:
    """Tokens as PostgreSQL reads a text search vector; they are letters and digits alone."""
    return " ".join([f"'{token}'" for token in tokens])


def change(tx: Transaction, made: EntityTable, record: tuple[str, Mapping[str, Sequence[Any]]]) -> None:
    """Enter a record's tokens anew after one of its search fields changed."""
    if made.search:
        tx.execute(_statements(made, tx.dialect)["change"], _params(made, tx.dialect, record))


def drop(tx: Transaction, made: EntityTable, ids: Sequence[str]) -> None:
    """Forget records; must run while their rows are still there."""
    if made.search:
        tx.execute(_statements(made, tx.dialect)["drop"], [{"key": key} for key in ids])


def _params(
    made: EntityTable, dialect: str, record: tuple[str, Mapping[str, Sequence[Any]]]
) -> dict[str, Any]:
    tokens = tokens_of(made, record[1])
    return {"key": record[0], "grams": " ".join(tokens) if dialect == "sqlite" else tokens}
