"""Saved views: whose they are, who may share them, and what they mean to somebody who sees less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import list_choices, saved_views
from dacheng.runtime.services.saved_views import SavedView, Shape
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.services.test_write_record import codes
from tests.runtime.services.workspace import PEOPLE, Workspace

BUYER, ORDER = "shop.buyer", "shop.order"
GOLD = {"==": [{"var": "level"}, "gold"]}
T = TypeVar("T")


def write(shop: Workspace, who: str, step: Callable[[Transaction, Work], T]) -> T:
    work = shop.work(who)
    return shop.db.write_now(lambda tx: step(tx, work))


def keep(shop: Workspace, who: str, name: str, shape: Shape, *, shared: bool = False) -> SavedView:
    return write(shop, who, lambda tx, work: saved_views.keep(tx, work, BUYER, name, shape, shared=shared))


def seen(shop: Workspace, who: str, ref: str = BUYER) -> dict[str, SavedView]:
    work = shop.work(who)
    return {each.name: each for each in shop.read(lambda r: saved_views.views(r, work, ref))}


def test_a_private_view_is_there_for_its_owner_alone(shop: Workspace) -> None:
    shape = Shape(list="buyers", filter=GOLD, sort=("-visits",), columns=("name", "level"), group=("level",))
    keep(shop, "clara", "  Gold   buyers ", shape)
    assert seen(shop, "clara")["Gold buyers"].shape == shape
    assert seen(shop, "cody") == {}
    assert seen(shop, "kim") == {}


def test_a_view_is_shared_by_whoever_has_the_right(shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        keep(shop, "clara", "For all", Shape(), shared=True)
    assert codes(refused) == {"/shared": "view.may_not_share"}
    made = keep(shop, "kim", "For all", Shape(filter=GOLD), shared=True)
    assert seen(shop, "clara")["For all"].shape.filter == GOLD
    assert not seen(shop, "clara")["For all"].may_change
    with pytest.raises(Refused) as refused:
        write(shop, "clara", lambda tx, work: saved_views.drop(tx, work, BUYER, made.id))
    assert codes(refused) == {"": "view.not_yours"}


def test_t13_who_may_not_share_any_more_changes_nothing_that_others_open(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keep(shop, "kim", "For all", Shape(filter=GOLD), shared=True)
    monkeypatch.setitem(PEOPLE, "kim", "clerk")
    for changed in ({"shape": Shape()}, {"name": "Other"}, {"shared": True}):
        with pytest.raises(Refused) as refused:
            write(shop, "kim", partial(saved_views.change, ref=BUYER, view=made.id, **changed))
        assert codes(refused) == {"/shared": "view.may_not_share"}
    assert seen(shop, "clara")["For all"].shape.filter == GOLD
    write(shop, "kim", partial(saved_views.change, ref=BUYER, view=made.id, shared=False))
    assert seen(shop, "clara") == {}


def test_t04_a_shared_view_that_filters_by_a_hidden_field_does_not_exist(shop: Workspace) -> None:
    hidden = {">": [{"var": "credit"}, 5]}
    made = keep(shop, "kim", "Rich", Shape(filter=hidden), shared=True)
    misspelt = "0190" + made.id[4:]
    assert "Rich" not in seen(shop, "clara")
    for view in (made.id, misspelt):
        for step in (
            lambda tx, work, view=view: list_choices.choose_default(tx, work, BUYER, view),
            lambda tx, work, view=view: saved_views.drop(tx, work, BUYER, view),
            lambda tx, work, view=view: list_choices.choose_columns(tx, work, BUYER, view, ["name"]),
        ):
            with pytest.raises(Refused) as refused:
                write(shop, "clara", step)
            assert codes(refused) == {"": "query.unknown_view"}


def test_t04_hidden_columns_orders_and_groups_are_left_out(shop: Workspace) -> None:
    shape = Shape(sort=("-credit", "name"), columns=("name", "credit"), group=("credit", "level"))
    keep(shop, "kim", "All", shape, shared=True)
    found = seen(shop, "clara")["All"].shape
    assert (found.sort, found.columns, found.group) == (("name",), ("name",), ("level",))
    assert seen(shop, "kim")["All"].shape == shape


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"columns": ("credit",)}, {"/fields/0": "query.unknown_field"}),
        ({"columns": ("crdit",)}, {"/fields/0": "query.unknown_field"}),
        ({"sort": ("-credit",)}, {"/sort/0": "query.unknown_field"}),
        ({"group": ("credit",)}, {"/group/0": "query.unknown_field"}),
        ({"kind": "board", "on": "credit"}, {"/on": "query.unknown_field"}),
        ({"kind": "board", "on": "name"}, {"/on": "view.needs_field"}),
        ({"kind": "calendar", "on": "level"}, {"/on": "view.needs_field"}),
        ({"list": "orders"}, {"": "query.unknown_view"}),
    ],
)
def test_t04_nobody_keeps_a_view_of_what_they_may_not_see(
    small_shop: Workspace, parts: dict[str, Any], where: dict[str, str]
) -> None:
    with pytest.raises(Refused) as refused:
        keep(small_shop, "clara", "Mine", Shape(**parts))
    assert codes(refused) == where


def test_a_view_is_renamed_reshaped_and_dropped_by_its_owner(shop: Workspace) -> None:
    made = keep(shop, "clara", "One", Shape())
    changed = write(
        shop,
        "clara",
        lambda tx, work: saved_views.change(
            tx, work, BUYER, made.id, name="Two", shape=Shape(filter=GOLD), version=made.version
        ),
    )
    assert (changed.name, changed.version, changed.shape.filter) == ("Two", 2, GOLD)
    with pytest.raises(Refused) as refused:
        write(
            shop,
            "clara",
            lambda tx, work: saved_views.change(tx, work, BUYER, made.id, name="x", version=1),
        )
    assert codes(refused) == {"": "view.moved"}
    for who in ("cody", "kim"):
        with pytest.raises(Refused) as refused:
            write(shop, who, lambda tx, work: saved_views.drop(tx, work, BUYER, made.id))
        assert codes(refused) == {"": "query.unknown_view"}
    write(shop, "clara", lambda tx, work: saved_views.drop(tx, work, BUYER, made.id))
    assert seen(shop, "clara") == {}


def test_a_name_is_needed_and_views_are_bounded(
    small_shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("", "   ", "x" * 61):
        with pytest.raises(Refused) as refused:
            keep(small_shop, "clara", name, Shape())
        assert codes(refused) == {"/name": "view.name_needed"}
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    keep(small_shop, "clara", "1", Shape())
    keep(small_shop, "clara", "2", Shape())
    with pytest.raises(Refused) as refused:
        keep(small_shop, "clara", "3", Shape())
    assert codes(refused) == {"": "view.too_many"}


def test_what_a_person_chooses_is_theirs_and_goes_with_the_view(shop: Workspace) -> None:
    made = keep(shop, "kim", "All", Shape(), shared=True)

    def chosen(who: str) -> list_choices.Choices:
        work = shop.work(who)
        return shop.read(lambda r: list_choices.read(r, work, BUYER))

    write(shop, "clara", lambda tx, work: list_choices.choose_default(tx, work, BUYER, made.id))
    write(shop, "clara", lambda tx, work: list_choices.choose_density(tx, work, BUYER, "compact"))
    columns = ["level", "name"]
    write(shop, "clara", lambda tx, work: list_choices.choose_columns(tx, work, BUYER, made.id, columns))
    found = chosen("clara")
    assert (found.default, found.density, dict(found.columns)) == (
        made.id, "compact", {made.id: ("level", "name")},
    )  # fmt: skip
    assert chosen("cody") == list_choices.Choices()
    write(shop, "clara", lambda tx, work: list_choices.choose_density(tx, work, BUYER, "normal"))
    write(shop, "kim", lambda tx, work: saved_views.drop(tx, work, BUYER, made.id))
    assert dict(chosen("clara").columns) == {}


def test_an_exact_number_in_a_filter_stays_exact(shop: Workspace) -> None:
    from_json = {">": [{"var": "discount"}, {"number": "0.1"}]}
    keep(shop, "kim", "Cheap", Shape(filter=from_json))
    assert seen(shop, "kim")["Cheap"].shape.filter == from_json
