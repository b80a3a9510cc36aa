"""Bad input: 2,000 generated packages, each either compiles or is refused with sentences; nothing else ever happens."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from dacheng.metadata import builtin
from dacheng.metadata.compile import (
    catalogue_of,
    compile_app,
    compile_catalogue,
    dependency_order,
)
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import compile_labels
from dacheng.metadata.layers.values import same
from dacheng.metadata.lint import lint
from dacheng.metadata.package import read_files, read_folder, to_files
from dacheng.metadata.problem import Problem, Refused
from tests.metadata.conftest import ROOT

KINDS = Kinds.of([builtin.part()])
CORE = read_folder(ROOT / "apps" / "core", KINDS)
CORE_APP = compile_app(CORE, KINDS, {})
SHOP = to_files(read_folder(ROOT / "tests" / "apps" / "shop", KINDS))
DATA_FREE = {name: data for name, data in SHOP.items() if not name.startswith("data/")}
SAMPLES, PARTS = 2_000, 8
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, -(2**63), "", "x", "x" * 300, "__class__", "'; drop table--", "select",
    "\u202egnp", "a\u0000b", "客户", [], [[]], {}, {"a": {}}, [None], {"": ""}, {"$ref": "#"}, {"var": "name"},
    {"var": "a.b.c.d"}, {"==": [1]}, {"and": [{"and": [{"and": []}]}]}, {"no_such": []}, {"cat": ["x"] * 600},
    {"var": 7}, "core.user", "core.ghost", "shop.order", "order", "lines", "total", "buyer", "id", "owner", "rollup",
    "lines", "money", "^(a|a)*$", "(", "2026-02-30", "1e999", {"date": "x"}, {"x-kind": "lines", "x-entity": "buyer"},
    {"x-kind": "rollup", "x-of": "lines", "x-aggregate": "sum", "x-field": "amount"}, {"x-kind": "text"},
]  # fmt: skip
KEYS = [
    "x-kind",
    "x-to",
    "x-parent",
    "x-default",
    "pattern",
    "__proto__",
    "x_new",
    "id",
    "\x00",
    "a" * 400,
    "$ref",
    "é",
]
RAW = [
    b"", b"{", b"null", b"[]", b"NaN", b'{"a":1e999}', b'{"id":"a","id":"b"}', b'"\xff"', "{}".encode("utf-16"),
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 5000, b'{"id": "' + b"a" * 5_000_000 + b'"}', b"\x00", b"\x1f\x8b",
    '{"id": "客"}'.encode("gb18030"), rb'{"id": "\ud800"}', b"{'id': 1}", b"\xef\xbb\xbf{}", b"9" * 5000,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from places(inner, (*path, key))


def mutate(content: Any, random_: random.Random) -> Any:
    """One to three small edits: a value replaced, a key removed, added or renamed, a subtree moved."""
    content = copy.deepcopy(content)
    for _ in range(random_.randint(1, 3)):
        path = random_.choice(list(places(content)))
        if not path:
            if random_.random() < 0.1:
                return copy.deepcopy(random_.choice(VALUES))
            continue
        table = content
        for step in path[:-1]:
            table = table[step]
        act = random_.randrange(5)
        if act == 0:
            table[path[-1]] = copy.deepcopy(random_.choice(VALUES))
        elif act == 1:
            del table[path[-1]]
        elif act == 2 and isinstance(table, dict):
            table[random_.choice(KEYS)] = copy.deepcopy(random_.choice(VALUES))
        elif act == 3 and isinstance(table, dict):
            table[random_.choice([*KEYS, *table])] = table.pop(path[-1])
        elif isinstance(table[path[-1]], str):
            table[path[-1]] = random_.choice(
                [table[path[-1]] + "x", table[path[-1]].upper(), "core.user", "order"]
            )
    return content


def sample(seed: int) -> dict[str, bytes]:
    """The files of one generated package: a sound one with one or two of its files spoilt."""
    random_ = random.Random(seed)
    files = dict(SHOP if seed % 4 == 0 else DATA_FREE)
    for _ in range(random_.randint(1, 2)):
        name = random_.choice(sorted(files))
        if random_.random() < 0.06:
            files[name] = random_.choice(RAW)
        elif random_.random() < 0.04:
            del files[name]
        elif random_.random() < 0.03:
            files[random_.choice(["../x.json", "entities/ghost.json", "x.py", "labels/xx.json"])] = files[
                name
            ]
        else:
            if files[name] in RAW:
                continue
            content = json.loads(files[name])
            files[name] = json.dumps(mutate(content, random_), ensure_ascii=random_.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )
    return files


def says_something(found: Problem) -> bool:
    """Whether a problem can be shown to people in both languages."""
    return all(
        found.message_in(locale) and "{" not in found.hint_in(locale)[:1] for locale in ("en", "zh-CN")
    )


def outcome(files: dict[str, bytes]) -> str:
    """`compiled` or `refused`; anything but a refusal with sentences is an error of the test."""
    try:
        package = read_files(files, KINDS)
        dependency_order([CORE, package])
        app = compile_app(package, KINDS, {"core": CORE_APP})
    except Refused as refused:
        problems = refused.problems
        return "refused" if problems and all(map(says_something, problems)) else "silent"
    compile_labels([CORE, package], catalogue_of({"core": CORE_APP, app.id: app}, KINDS), KINDS)
    assert same(read_files(to_files(package, KINDS), KINDS).hash, package.hash)
    return "compiled"


@pytest.mark.parametrize("part", range(PARTS))
def test_a_generated_package_compiles_or_is_refused(part: int) -> None:
    outcomes = [outcome(sample(seed)) for seed in range(part, SAMPLES, PARTS)]
    assert set(outcomes) <= {"refused", "compiled"}
    assert outcomes.count("refused") > len(outcomes) // 4
    assert outcomes.count("compiled") > len(outcomes) // 20


def test_lint_tells_of_everything_the_compiler_refuses() -> None:
    for seed in range(200):
        try:
            package = read_files(sample(seed), KINDS)
        except Refused:
            continue
        found = lint(package, KINDS, {"core": CORE})
        try:
            compile_catalogue([CORE, package], KINDS)
        except Refused:
            assert found, seed


def test_t03_names_that_could_be_code_are_refused_or_stay_plain_names() -> None:
    for name in [
        "'; drop--",
        "select",
        "__class__",
        "a" * 300,
        "\u202eabc",
        "a\x00b",
        "Order",
        "1a",
        "a-b",
        "客户",
    ]:
        entity = {"id": name, "type": "object", "properties": {"name": {"x-kind": "text"}}}
        files = {**DATA_FREE, f"entities/{name}.json": json.dumps(entity).encode()}
        assert outcome(files) == ("compiled" if name == "select" else "refused")
        field = json.loads(SHOP["entities/item.json"])
        field["properties"][name] = {"x-kind": "text"}
        files = {**DATA_FREE, "entities/item.json": json.dumps(field).encode()}
        assert outcome(files) == ("compiled" if name == "select" else "refused")


@pytest.mark.parametrize("requires", [7, [], [{}], "core", None, {"core": 1}, {"shop": "1.0.0"}, True])
def test_requirements_of_any_shape_are_refused_or_read(requires: Any) -> None:
    manifest = {**json.loads(SHOP["app.json"]), "requires": requires}
    package = read_files({**DATA_FREE, "app.json": json.dumps(manifest).encode()}, KINDS)
    with pytest.raises(Refused):
        compile_catalogue([CORE, package], KINDS)


def test_too_much_of_anything_is_refused() -> None:
    def entity(name: str, fields: int) -> bytes:
        properties = {f"f{i}": {"x-kind": "text"} for i in range(fields)}
        return json.dumps({"id": name, "type": "object", "properties": properties}).encode()

    assert outcome({**DATA_FREE, "entities/wide.json": entity("wide", 501)}) == "refused"
    many = {f"entities/e{i}.json": entity(f"e{i}", 1) for i in range(501)}
    assert outcome({**DATA_FREE, **many}) == "refused"
