"""Expressions reach nothing but the record: escape attempts and malformed JSON are refused, quickly (T15)."""

from __future__ import annotations

import os
import time
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dacheng.metadata.expression import TEXT, RecordOf, check, parse
from dacheng.metadata.problem import Problem, Refused

SCOPE = RecordOf({"name": TEXT, "owner": RecordOf({"id": TEXT, "name": TEXT}.get)}.get)
NAMES = (
    "__class__",
    "__init__",
    "__globals__",
    "__builtins__",
    "__import__",
    "__subclasses__",
    "__mro__",
    "__dict__",
    "__getattr__",
    "__proto__",
    "constructor",
    "prototype",
    "constructor.constructor",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "this",
    "self",
    "globalThis",
    "window",
    "process",
    "process.env",
    "require",
    "Function",
    "eval",
    "exec",
    "import",
    "os.system",
    "func_globals",
    "gi_frame",
    "f_builtins",
    "cr_frame",
    "tb_frame",
    "format",
    "$user",
    "$now.id",
    "$user.__class__",
    "{name}",
    "{0.__class__}",
    "${7*7}",
    "{{7*7}}",
    "#{7*7}",
    "%(name)s",
    "name; DROP TABLE deal",
    "name' OR '1'='1",
    'name" --',
    "name/*",
    "name\x00",
    "../name",
    "name[0]",
    "name()",
    "name\n",
    " name",
    "Name",
    "NAME",
    "ｎame",
    "na\u200bme",
    "name.",
    ".name",
    "name..id",
    "owner.__class__",
    "owner.name.__len__",
    "0",
    "-1",
    "length",
    "name.length",
    "owner.constructor",
    "__defineGetter__",
    "a" * 5000,
)
WRAPS: tuple[Any, ...] = (
    lambda name: {"var": name},
    lambda name: {"var": [name]},
    lambda name: {"var": f"owner.{name}"},
    lambda name: {name: ["x"]},
    lambda name: {"some": [["a"], {"var": name}]},
)
ESCAPES = [wrap(name) for name, wrap in product(NAMES, WRAPS) if wrap(name) != {"length": ["x"]}]


def test_there_are_three_hundred_escapes() -> None:
    assert len(ESCAPES) >= 300


@pytest.mark.parametrize("attempt", ESCAPES, ids=range(len(ESCAPES)))
def test_an_escape_is_refused_within_fifty_milliseconds(attempt: Any) -> None:
    taken = []
    for _ in range(3):  # the quickest counts: a garbage collection may fall into any one of them
        start = time.process_time()
        with pytest.raises(Refused):
            check(parse(attempt), SCOPE)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.05


def test_a_hidden_field_is_refused_in_the_words_of_a_misspelt_one() -> None:
    messages = []
    for name in ("secret", "nmae"):
        with pytest.raises(Refused) as refused:
            check(parse({"var": name}), SCOPE)
        messages.append(refused.value.problems[0].message.replace(name, "…"))
    assert messages[0] == messages[1]


KEYS = st.one_of(
    st.sampled_from(
        ["var", "==", "and", "in", "some", "+", "cat", "date", "instant", "number", "if", "param", "start_of"]
    ),
    st.text(max_size=8),
)
GRAMMAR = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(NAMES)
    ),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=2)),
    max_leaves=30,
)


@settings(max_examples=100_000 if os.environ.get("DACHENG_SOAK") else 400)
@given(GRAMMAR)
def test_any_json_is_either_an_expression_or_refused(value: Any) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        check(parse(value), SCOPE)
    except Refused as refused:
        problems = refused.problems
    assert all(problem.code.startswith("expression.") and problem.message for problem in problems)


def test_depth_length_and_cost_are_bounded() -> None:
    deep: Any = True
    for _ in range(5000):
        deep = {"!": deep}
    nested: Any = {"==": [{"var": ""}, "x"]}
    for _ in range(4):
        nested = {"some": [["a"] * 20, nested]}
    for value, code in (
        (deep, "too_deep"),
        ([1] * 100_000, "too_long"),
        ("x" * 1001, "text_too_long"),
        (nested, "too_costly"),
    ):
        start = time.process_time()
        with pytest.raises(Refused) as refused:
            check(parse(value), SCOPE)
        assert refused.value.problems[0].code == f"expression.{code}"
        assert time.process_time() - start < 0.05
