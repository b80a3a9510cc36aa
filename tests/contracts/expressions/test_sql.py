"""SQL made from expressions: indexes stay usable, values are bound, statements are re-bound, NULL never leaks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from dacheng.metadata.expression import shape
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage.expression_sql import SqlList, SqlOperand, prepare_condition, to_sql, value_sql
from tests.contracts.expressions.backends import DEALS, Database, checked
from tests.contracts.expressions.deal import NOW, ZONE, Surroundings

USER = {"$user": {"id": "p1", "departments": ("d1", "d2")}}


def _compiled(database: Database, value: Any, **options: Any) -> sa.ColumnElement[bool]:
    return to_sql(
        checked(value),
        database.resolve,
        dialect=database.dialect,
        now=datetime.fromisoformat(NOW),
        zone=ZoneInfo(ZONE),
        context=USER,
        **options,
    )


@pytest.mark.parametrize(
    "value",
    [
        {"==": [{"var": "t1"}, "a"]},
        {"==": [{"var": "n1"}, 1.5]},
        {"==": [{"var": "t1"}, {"var": "$user.id"}]},
        {"in": [{"var": "t1"}, {"var": "$user.departments"}]},
        {"in": [{"var": "n1"}, [1, 2.5]]},
        {">=": [{"var": "n1"}, 1000.5]},
        {"<": [{"var": "d1"}, {"add_days": [{"today": []}, -30]}]},
        {">": [{"var": "i1"}, {"-": [{"now": []}, {"duration": "P3D"}]}]},
        {"<": [{"var": "t1"}, "m"]},
        {"starts_with": [{"var": "t1"}, "客"]},
        {"==": [{"var": "b1"}, True]},
        {"var": "b1"},
        {"and": [{"==": [{"var": "t1"}, "a"]}, {"!": {"var": "b2"}}]},
    ],
)
@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_a_plain_comparison_uses_the_index(name: str, value: Any, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(name)
    statement = sa.select(DEALS.c.id).where(_compiled(database, value))
    with database.engine.connect() as connection:
        if name == "sqlite":
            sql = statement.compile(database.engine)
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {sql}", tuple(sql.params[each] for each in sql.positiontup or ())
            ).all()
            assert "USING" in str(plan), plan
            assert "INDEX" in str(plan), plan
        else:
            connection.exec_driver_sql("SET enable_seqscan = off")
            plan = connection.execute(_Explain(statement)).all()
            assert "Index Cond" in str(plan), plan
            connection.rollback()


class _Explain(sa.Executable, sa.ClauseElement):
    """EXPLAIN of a statement, its values bound."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(_Explain)
def _explain(element: Any, compiler: Any, **options: Any) -> str:
    return "EXPLAIN " + str(compiler.process(element.statement, **options))


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_a_prepared_condition_takes_the_values_of_another_call(
    name: str, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(name)
    database.load([{"t1": "a", "n1": "1.5"}, {"t1": "b", "n1": "2.5"}, {"t1": "c"}])
    template = {"or": [{"==": [{"var": "t1"}, "a"]}, {">": [{"var": "n1"}, 9]}]}
    first = checked(template)
    surroundings = Surroundings().python()
    prepared = prepare_condition(
        first, database.resolve, dialect=database.dialect, environment=surroundings, name="rule"
    )
    statement = sa.select(DEALS.c.id).where(prepared.clause)
    with database.engine.connect() as connection:
        for text, number, expected in (("a", 9, {0}), ("c", 9, {2}), ("a", 2, {0, 1}), ("x", 99, set())):
            again = checked({"or": [{"==": [{"var": "t1"}, text]}, {">": [{"var": "n1"}, number]}]})
            key, values = shape(again, surroundings)
            assert key == shape(first, surroundings)[0]
            found = connection.scalars(statement, prepared.params(values, surroundings))
            assert set(found) == expected


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_an_exact_condition_and_its_negation_share_out_every_record(
    name: str, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(name)
    database.load([{"t1": "a"}, {}, {"t1": "b", "n1": "1"}])
    for value in (
        {"==": [{"var": "t1"}, "a"]},
        {"<": [{"var": "n1"}, 2]},
        {"contains": [{"var": "t1"}, "a"]},
        {"in": [{"var": "t1"}, ["a"]]},
        {"starts_with": [{"var": "t1"}, "a"]},
        {"var": "b1"},
    ):
        with database.engine.connect() as connection:
            holds = set(connection.scalars(sa.select(DEALS.c.id).where(_compiled(database, value))))
            clause = _compiled(database, value, exact=True)
            fails = set(connection.scalars(sa.select(DEALS.c.id).where(sa.not_(clause))))
        assert holds | fails == {0, 1, 2}
        assert not holds & fails


def test_constants_never_stand_in_the_statement(sqlite: Database) -> None:
    hostile = "x'; DROP TABLE deal; --"
    value = {
        "or": [{name: [{"var": "t1"}, hostile]} for name in ("==", "<", "contains", "starts_with", "in")]
        + [{"in": [{"var": "t1"}, [hostile]]}, {"==": [{"cat": [{"var": "t1"}, hostile]}, hostile]}]
    }
    assert "DROP" not in str(_compiled(sqlite, value))


def test_a_list_of_many_values_is_one_parameter(sqlite: Database, postgresql: Database) -> None:
    many = tuple(f"d{number}" for number in range(100_000))
    for database in (sqlite, postgresql):
        database.load([{"t1": "d99999"}, {"t1": "e"}])
        surroundings = Surroundings({"$user": {"departments": many}}).python()
        found = database.matching(
            checked({"in": [{"var": "t1"}, {"var": "$user.departments"}]}), surroundings
        )
        assert found == {0}


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_a_value_comes_in_stored_form(name: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(name)
    database.load([{"amount": "10.05", "w1": "999999999999999999"}])
    for value, scale, expected in (
        ({"*": [{"var": "amount"}, 1.5]}, 2, 1508),
        ({"*": [{"var": "amount"}, 1.5]}, 6, 15075000),
        ({"var": "amount"}, 2, 1005),
        ({"+": [{"var": "w1"}, 0]}, 6, None),
    ):
        sql = value_sql(
            checked(value),
            database.resolve,
            dialect=database.dialect,
            now=datetime.fromisoformat(NOW),
            zone=ZoneInfo(ZONE),
            scale=scale,
        )
        with database.engine.connect() as connection:
            assert connection.scalar(sa.select(sql).select_from(DEALS)) == expected


def test_what_a_database_cannot_work_out_is_refused(sqlite: Database) -> None:
    def nowhere(_path: tuple[str, ...], /) -> SqlOperand | SqlList:
        return SqlList(DEALS, sa.true(), nowhere)

    with pytest.raises(Refused) as refused:
        to_sql(
            checked({"==": [{"var": "t1"}, "a"]}),
            nowhere,
            dialect="sqlite",
            now=datetime.fromisoformat(NOW),
            zone=ZoneInfo(ZONE),
        )
    assert refused.value.problems[0].code == "expression.not_in_sql"


def test_a_statement_that_would_blow_up_is_refused(sqlite: Database) -> None:
    value: Any = {"var": "t1"}
    for _ in range(10):
        value = {"if": [{"some": [[value], {"and": [{"==": [{"var": ""}, "x"]}] * 6}]}, "a", "b"]}
    with pytest.raises(Refused) as refused:
        _compiled(sqlite, {"==": [value, "a"]})
    assert refused.value.problems[0].code in ("expression.too_costly", "expression.too_deep")
