"""The derived record schema: what a record may be, told by one linear engine."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from dacheng.metadata.definition import Catalogue
from dacheng.metadata.record_schema import record_validator

GOOD: dict[str, Any] = {
    "name": "王小满",
    "code": "B-1",
    "level": "gold",
    "credit": {"amount": "12.50", "currency": "CNY"},
    "discount": "0.1250",
    "visits": 3,
    "born_on": "1990-02-28",
    "seen_at": "2026-01-31T08:00:00.000Z",
    "adviser": "01890a5d-ac96-774b-bcce-b302099a8057",
    "note": None,
}


def test_a_good_record_has_no_problems(catalogue: Catalogue) -> None:
    entity = catalogue.entities["shop.buyer"]
    jsonschema.Draft202012Validator.check_schema(dict(entity.schema))
    assert record_validator(entity)(GOOD) == ()
    assert record_validator(entity)({"name": "a"}) == ()
    assert record_validator(entity, partial=True)({"visits": 1}) == ()


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"ghost": 1}, "value.unknown_field", "/ghost"),
        ({"id": "x"}, "value.unknown_field", "/id"),
        ({"created_at": "x"}, "value.unknown_field", "/created_at"),
        ({"name": None}, "value.wrong_type", "/name"),
        ({"name": "x" * 101}, "value.too_long", "/name"),
        ({"code": "b 1"}, "value.pattern", "/code"),
        ({"level": "tin"}, "value.no_such_option", "/level"),
        ({"visits": 1.5}, "value.wrong_type", "/visits"),
        ({"visits": "1"}, "value.wrong_type", "/visits"),
        ({"credit": {"amount": "1", "extra": 1}}, "value.wrong_type", "/credit"),
        ({"adviser": "x"}, "value.pattern", "/adviser"),
        ({"visits": 10**30}, "value.wrong_type", "/visits"),
    ],
)
def test_a_wrong_value_is_named_where_it_is(
    catalogue: Catalogue, change: dict[str, Any], code: str, pointer: str
) -> None:
    found = record_validator(catalogue.entities["shop.buyer"])({**GOOD, **change})
    assert [(one.code, one.pointer) for one in found] == [(code, pointer)]
    assert found[0].message


def test_a_missing_required_field_is_named(catalogue: Catalogue) -> None:
    found = record_validator(catalogue.entities["shop.buyer"])({"visits": 1})
    assert [(one.code, one.pointer) for one in found] == [("value.required", "/name")]


def test_lines_are_held_to_the_schema_of_their_rows(catalogue: Catalogue) -> None:
    validate = record_validator(catalogue.entities["shop.order"])
    record = {"number": "N", "state": "draft", "lines": [{"quantity": "1", "amount": "2"}]}
    assert validate(record) == ()
    record["lines"] = [{"quantity": "1", "amount": "2", "ghost": 1}]
    assert [one.pointer for one in validate(record)] == ["/lines/0"]
