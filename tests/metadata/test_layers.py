"""Layers: folded with provenance in one place; an upgrade keeps, adopts, parks or reports, and loses nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata import builtin
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.layers import (
    ADOPTED,
    CHANGED,
    CONFLICT,
    KEPT,
    PARKED,
    current_value,
    fold,
    merge,
)
from dacheng.metadata.package import read_folder
from tests.metadata.conftest import ROOT

KINDS = Kinds.of([builtin.part()])
SHOP = read_folder(ROOT / "tests" / "apps" / "shop", KINDS)
CORE = read_folder(ROOT / "apps" / "core", KINDS)


def op(name: str, kind: str, item: str, path: str, value: Any = None, base: Any = ...) -> LayerOperation:
    made = LayerOperation(name, kind, item, tuple(path.split("/")) if path else (), value)
    found = current_value(SHOP, made) if base is ... else base
    return LayerOperation(name, kind, item, made.path, value, found)


def layer(*operations: LayerOperation, owner: str = "workspace") -> Layer:
    return Layer(owner, "shop", operations)


# Independent of one another: in any order they give the same package.
POOL = [
    op("set", "entity", "buyer", "properties/name/maxLength", 60),
    op("set", "entity", "buyer", "properties/visits/x-required", True),
    op("set", "form", "order", "sections/basic/fields/reason/visible", True),
    op("set", "list", "orders", "page_size", 10),
    op("add", "entity", "buyer", "properties/x_plate", {"x-kind": "text", "x-order": 25}),
    op("add", "entity", "buyer", "properties/level/x-options/x_black", {"order": 50}),
    op("add", "list", "x_recent", "", {"id": "x_recent", "entity": "order", "columns": {"number": {}}}),
    op("hide", "entity", "item", "properties/series"),
    op("hide", "form", "buyer", "sections/basic/fields/note"),
    op("remove", "dashboard", "sales", "widgets/advisers"),
    op("move", "entity", "order", "properties/bonus", "number"),
    op("label", "label", "", "zh-CN/list:unpaid", "待收款{term:order}"),
    op("term", "term", "", "zh-CN/buyer/one", "会员"),
    op("term", "term", "", "en/buyer/plural", "members"),
    op("set", "app", "shop", "icon", "cart"),
]
some_layer = st.lists(st.sampled_from(range(len(POOL))), unique=True).map(
    lambda picks: layer(*(POOL[index] for index in picks))
)


def test_folding_nothing_gives_the_base() -> None:
    assert fold(SHOP, [], KINDS).package == SHOP
    assert fold(SHOP, [layer()], KINDS).package == SHOP


def test_a_layer_of_another_app_does_nothing() -> None:
    other = Layer("workspace", "core", (POOL[0],))
    assert fold(SHOP, [other], KINDS).package == SHOP


@given(some_layer, st.randoms(use_true_random=False))
def test_the_order_of_independent_operations_does_not_matter(some: Layer, random: Any) -> None:
    shuffled = list(some.operations)
    random.shuffle(shuffled)
    one, two = fold(SHOP, [some], KINDS), fold(SHOP, [layer(*shuffled)], KINDS)
    assert one.package.hash == two.package.hash
    assert one.provenance == two.provenance
    assert one.outcomes == two.outcomes == ()


@given(some_layer)
def test_a_folded_package_compiles_and_the_base_is_untouched(some: Layer) -> None:
    before = SHOP.hash
    folded = fold(SHOP, [some], KINDS)
    compile_catalogue([CORE, folded.package], KINDS)
    again = read_folder(ROOT / "tests" / "apps" / "shop", KINDS)
    assert again == SHOP
    assert SHOP.hash == before
    assert (folded.package == SHOP) is (not some.operations)


@given(some_layer)
def test_an_unchanged_base_keeps_the_whole_layer(some: Layer) -> None:
    merged = merge(SHOP, SHOP, some, KINDS)
    assert merged.layer == some
    assert {outcome.kind for outcome in merged.outcomes} <= {KEPT}


@given(some_layer, some_layer)
def test_merging_twice_is_merging_once(some: Layer, theirs: Layer) -> None:
    upgraded = fold(SHOP, [theirs], KINDS).package
    once = merge(SHOP, upgraded, some, KINDS)
    twice = merge(upgraded, upgraded, once.layer, KINDS)
    assert twice.layer == once.layer
    assert [one.operation for one in twice.of(CONFLICT)] == [one.operation for one in once.of(CONFLICT)]


@given(some_layer)
def test_a_base_that_took_over_the_layer_leaves_nothing_of_it(some: Layer) -> None:
    upgraded = fold(SHOP, [some], KINDS).package
    merged = merge(SHOP, upgraded, some, KINDS)
    left = {(one.op, one.path[-1] if one.path else one.item) for one in merged.layer.operations}
    assert left <= {("hide", "series")}  # hiding leaves the field in place: seen as changed, and harmless
    assert fold(upgraded, [merged.layer], KINDS).package.hash == upgraded.hash


def outcome_of(
    operation: LayerOperation, theirs: LayerOperation | None = None, owner: str = "shop"
) -> tuple[str, str, Package]:
    """What becomes of an operation when the base changes by `theirs`, and the package then live."""
    upgraded = SHOP if theirs is None else upgrade(theirs)
    merged = merge(SHOP, upgraded, layer(operation), KINDS)
    found = [one for one in merged.outcomes if one.operation is operation]
    return found[0].kind, found[0].reason, fold(upgraded, [merged.layer], KINDS).package


def upgrade(theirs: LayerOperation) -> Package:
    """The shop as its maker might change it: any edit, no policies."""
    item = SHOP.items[theirs.kind, theirs.item] if theirs.kind not in ("label", "term") else None
    if item is None:
        return fold(SHOP, [layer(theirs)], KINDS).package
    changed: Any = _copied(item)
    table = changed
    for step in theirs.path[:-1]:
        table = table[step]
    if theirs.value is None:
        del table[theirs.path[-1]]
    else:
        table[theirs.path[-1]] = theirs.value
    items = {**SHOP.items, (theirs.kind, theirs.item): changed}
    return Package(SHOP.manifest, items, SHOP.labels, SHOP.terms, SHOP.files, SHOP.assets)


def _copied(value: Any) -> Any:
    return {key: _copied(one) for key, one in value.items()} if isinstance(value, dict) else value


NAME_LENGTH = "properties/name/maxLength"


def test_theirs_unchanged_keeps_ours() -> None:
    kind, _, live = outcome_of(op("set", "entity", "buyer", NAME_LENGTH, 60))
    assert kind == KEPT
    assert live.items["entity", "buyer"]["properties"]["name"]["maxLength"] == 60


def test_theirs_equal_to_ours_is_adopted() -> None:
    ours = op("set", "entity", "buyer", NAME_LENGTH, 60)
    kind, _, live = outcome_of(ours, op("set", "entity", "buyer", NAME_LENGTH, 60))
    assert kind == ADOPTED
    assert live.items["entity", "buyer"]["properties"]["name"]["maxLength"] == 60


def test_both_changed_is_a_conflict_and_ours_stays_live() -> None:
    ours = op("set", "entity", "buyer", NAME_LENGTH, 60)
    kind, _, live = outcome_of(ours, op("set", "entity", "buyer", NAME_LENGTH, 90))
    assert kind == CONFLICT
    assert live.items["entity", "buyer"]["properties"]["name"]["maxLength"] == 60


def test_a_conflict_is_still_reported_after_the_merge() -> None:
    upgraded = upgrade(op("set", "entity", "buyer", NAME_LENGTH, 90))
    merged = merge(SHOP, upgraded, layer(op("set", "entity", "buyer", NAME_LENGTH, 60)), KINDS)
    (found,) = fold(upgraded, [merged.layer], KINDS).outcomes
    assert (found.kind, found.base, found.ours, found.theirs) == (CONFLICT, 100, 60, 90)


def test_what_is_gone_in_theirs_is_parked() -> None:
    gone = op("set", "form", "order", "sections/basic/fields/reason", None)
    ours = op("set", "form", "order", "sections/basic/fields/reason/visible", True)
    kind, reason, live = outcome_of(ours, gone)
    assert (kind, reason) == (PARKED, "removed")
    assert "reason" not in live.items["form", "order"]["sections"]["basic"]["fields"]


def test_a_renamed_term_survives_rewritten_sentences_without_conflict() -> None:
    ours = op("term", "term", "", "zh-CN/buyer/one", "会员")
    theirs = op("label", "label", "", "zh-CN/list:buyers", "{term:buyer}名录")
    kind, _, live = outcome_of(ours, theirs)
    assert kind == KEPT
    assert live.labels["zh-CN"]["list:buyers"] == "{term:buyer}名录"
    assert live.terms["zh-CN"]["buyer"]["one"] == "会员"


def test_edits_inside_an_added_thing_stay_with_it() -> None:
    added = op("add", "entity", "buyer", "properties/x_plate", {"x-kind": "text"})
    inside = LayerOperation("set", "entity", "buyer", ("properties", "x_plate", "x-kind"), "integer", "text")
    merged = merge(SHOP, SHOP, layer(added, inside), KINDS)
    assert [one.kind for one in merged.outcomes] == [KEPT, KEPT]


def test_permissions_and_rule_effects_of_an_upgrade_are_always_shown() -> None:
    wider = upgrade(op("set", "role", "clerk", "entities/buyer/delete", True))
    louder = upgrade(op("set", "rule", "bonus", "then/set/field", "bonus", base=None))
    other = upgrade(op("set", "rule", "bonus", "then/set/value", 1))
    gate = upgrade(op("set", "workflow", "order_state", "transitions/cancel/roles", ["clerk"]))
    shown = [
        [(o.address[:2], o.reason) for o in merge(SHOP, new, layer(), KINDS).of(CHANGED)]
        for new in (wider, louder, other, gate)
    ]
    assert shown == [
        [(("role", "clerk"), "permission")],
        [],
        [(("rule", "bonus"), "rule_effect")],
        [(("workflow", "order_state"), "permission")],
    ]


REFUSED = [
    (op("set", "entity", "buyer", "properties/name/x-kind", "integer"), "locked"),
    (op("set", "entity", "buyer", "properties/discount/x-scale", 6), "locked"),
    (op("set", "entity", "order", "properties/total/x-field", "quantity"), "locked"),
    (op("set", "role", "clerk", "admin", True), "locked"),
    (op("set", "app", "shop", "permissions", {"buyer": ["delete"]}), "locked"),
    (op("set", "data", "buyers", "records", []), "locked"),
    (op("remove", "entity", "buyer", "properties/name"), "locked"),
    (op("remove", "entity", "buyer", ""), "locked"),
    (op("add", "entity", "buyer", "properties/plate", {"x-kind": "text"}), "foreign_id"),
    (op("add", "list", "recent", "", {"id": "recent"}), "foreign_id"),
    (op("add", "entity", "ghost", "properties/x_plate", {"x-kind": "text"}), "missing"),
    (op("set", "form", "ghost", "default", True), "missing"),
    (op("set", "form", "order", "sections/ghost/order", 1), "missing"),
    (op("move", "entity", "order", "properties/bonus", "ghost"), "missing"),
    (op("set", "form", "order", ""), "malformed"),
    (op("explode", "form", "order", "default"), "malformed"),
    (op("term", "term", "", "zh-CN/ghost/one", "x"), "missing"),
    (op("term", "term", "", "zh-CN/buyer/one", 7), "malformed"),
    (op("label", "label", "", "zh-CN/message:large_order", "没有占位符"), "placeholders"),
]


@pytest.mark.parametrize(
    ("operation", "reason"), REFUSED, ids=lambda one: one if isinstance(one, str) else one.op
)
def test_what_a_layer_may_not_do_is_set_aside_and_reported(operation: LayerOperation, reason: str) -> None:
    folded = fold(SHOP, [layer(operation)], KINDS)
    (found,) = folded.outcomes
    assert (found.kind, found.reason) == (PARKED, reason)
    assert folded.package.hash == SHOP.hash


def test_provenance_names_the_layer_that_set_a_property() -> None:
    pack = layer(op("set", "list", "orders", "page_size", 30), owner="retail")
    ours = layer(
        op("set", "list", "orders", "page_size", 10, base=30),
        op("add", "entity", "buyer", "properties/x_plate", {"x-kind": "text"}),
    )
    folded = fold(SHOP, [pack, ours], KINDS)
    assert folded.outcomes == ()
    assert folded.package.items["list", "orders"]["page_size"] == 10
    assert folded.owner_of("list", "orders", ("page_size",)) == "workspace"
    assert folded.owner_of("entity", "buyer", ("properties", "x_plate", "x-kind")) == "workspace"
    assert folded.owner_of("list", "orders", ("sort",)) == "shop"
    assert folded.bases["list", "orders", ("page_size",)] == 20


def test_moving_places_an_entry_after_another() -> None:
    moved = fold(SHOP, [layer(op("move", "entity", "order", "properties/bonus", "number"))], KINDS).package
    catalogue = compile_catalogue([CORE, moved], KINDS)
    assert list(catalogue.entities["shop.order"].fields)[:3] == ["number", "bonus", "buyer"]
    first = fold(SHOP, [layer(op("move", "entity", "order", "properties/bonus", None))], KINDS).package
    assert next(iter(compile_catalogue([CORE, first], KINDS).entities["shop.order"].fields)) == "bonus"


def test_hidden_fields_keep_their_column_and_hidden_options_are_archived() -> None:
    hide = layer(
        op("hide", "entity", "buyer", "properties/note"),
        op("hide", "entity", "buyer", "properties/level/x-options/gold"),
    )
    fields = compile_catalogue([CORE, fold(SHOP, [hide], KINDS).package], KINDS).entities["shop.buyer"].fields
    assert fields["note"].hidden
    assert not fields["name"].hidden
    assert [option.id for option in fields["level"].options if option.archived] == ["gold", "stone"]


def test_any_two_operations_on_different_properties_commute() -> None:
    for one, two in itertools.combinations(POOL, 2):
        assert (
            fold(SHOP, [layer(one, two)], KINDS).package.hash
            == fold(SHOP, [layer(two, one)], KINDS).package.hash
        )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
)
any_operation = st.builds(
    LayerOperation,
    st.sampled_from(["set", "add", "remove", "move", "hide", "label", "term", "?"]),
    st.sampled_from(["entity", "form", "role", "rule", "app", "label", "ghost"]),
    st.sampled_from(["buyer", "order", "clerk", "shop", "", "x_new"]),
    st.lists(
        st.sampled_from(
            ["properties", "name", "x_a", "sections", "basic", "fields", "zh-CN", "buyer", "one", ""]
        ),
        max_size=5,
    ).map(tuple),
    json_values,
    json_values,
)


@given(st.lists(any_operation, max_size=4))
def test_any_operations_fold_and_merge_without_an_error(operations: list[LayerOperation]) -> None:
    some = layer(*operations)
    folded = fold(SHOP, [some], KINDS)
    assert len(folded.outcomes) <= len(operations)
    merged = merge(SHOP, folded.package, some, KINDS)
    assert len([one for one in merged.outcomes if one.operation]) == len(operations)


def test_a_move_behind_what_is_no_name_is_set_aside() -> None:
    moved = LayerOperation("move", "entity", "buyer", ("properties", "name"), ["name"], None)
    assert [one.kind for one in fold(SHOP, [layer(moved)], KINDS).outcomes] == ["parked"]
