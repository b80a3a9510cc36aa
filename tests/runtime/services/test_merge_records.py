"""Two records of the same thing become one, and two again."""

from __future__ import annotations

from functools import partial

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import attachments, comments, merge_records
from dacheng.runtime.services.merge_records import Merge
from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.file_rows import FileRow
from tests.runtime.services.test_write_record import codes, get
from tests.runtime.services.workspace import Workspace

BUYER, ORDER, ITEM = "shop.buyer", "shop.order", "shop.item"


def pair(shop: Workspace) -> tuple[str, str, list[str]]:
    keep = shop.create("kim", BUYER, {"name": "Acme", "code": "A-1", "visits": 3})
    drop = shop.create("kim", BUYER, {"name": "ACME Ltd", "code": "A-2", "level": "gold", "visits": 9})
    orders = [
        shop.create(who, ORDER, {"number": f"N{n}", "buyer": drop}) for n, who in enumerate(("clara", "cody"))
    ]
    return keep, drop, orders


def test_values_are_chosen_links_moved_and_the_other_goes_to_the_bin(shop: Workspace) -> None:
    keep, drop, orders = pair(shop)
    follower = shop.create("kim", BUYER, {"name": "Umbra", "referrer": drop})
    done = merge_records.merge(
        shop.db, shop.work("kim"), Merge(BUYER, keep, drop, frozenset({"name", "level"}))
    )
    assert done.moved == 3
    found = get(shop, "kim", BUYER, keep).values
    assert (found["name"], found["level"], found["code"], found["visits"]) == ("ACME Ltd", "gold", "A-1", 3)
    assert [get(shop, "kim", ORDER, each).values["buyer"] for each in orders] == [keep, keep]
    assert get(shop, "kim", BUYER, follower).values["referrer"] == keep
    with pytest.raises(Refused):
        get(shop, "kim", BUYER, drop)


def test_a_merge_is_taken_back_but_for_what_changed_since(shop: Workspace) -> None:
    keep, drop, orders = pair(shop)
    other = shop.create("kim", BUYER, {"name": "Umbra"})
    done = merge_records.merge(shop.db, shop.work("kim"), Merge(BUYER, keep, drop, frozenset({"visits"})))
    shop.update("kim", ORDER, orders[0], {"buyer": other})
    undone = merge_records.undo(shop.db, shop.work("kim"), done.id)
    assert (undone.moved, undone.kept) == (2, 1)  # one link and the visits; the link moved on stays
    assert get(shop, "kim", BUYER, keep).values["visits"] == 3
    assert get(shop, "kim", BUYER, drop).values["visits"] == 9
    assert [get(shop, "kim", ORDER, each).values["buyer"] for each in orders] == [other, drop]


def test_attachments_follow_a_merge_and_its_undoing(shop: Workspace) -> None:
    keep, drop, _ = pair(shop)
    work = shop.work("kim")
    kim = work.context.actor.id
    file = FileRow("f1", "0" * 64, "a.txt", "text/plain", 5, None, None, None, "upload", kim, 0)
    shop.db.write_now(lambda tx: file_rows.add(tx, file))
    made = shop.db.write_now(lambda tx: attachments.attach(tx, work, BUYER, drop, file))
    done = merge_records.merge(shop.db, work, Merge(BUYER, keep, drop))
    held = shop.read(lambda reader: attachments.read(reader, work, BUYER, keep))
    assert [each.id for each in held] == [made.id]
    merge_records.undo(shop.db, work, done.id)
    assert shop.read(lambda reader: attachments.read(reader, work, BUYER, keep)) == ()
    back = shop.read(lambda reader: attachments.read(reader, work, BUYER, drop))
    assert [each.file.name for each in back] == ["a.txt"]


def test_who_may_not_delete_does_not_merge_and_nothing_changes(shop: Workspace) -> None:
    keep, drop, _ = pair(shop)
    with pytest.raises(Refused) as refused:
        merge_records.merge(shop.db, shop.work("clara"), Merge(BUYER, keep, drop))
    assert codes(refused) == {"": "access.not_permitted"}
    assert get(shop, "kim", BUYER, drop).values["name"] == "ACME Ltd"


@pytest.mark.parametrize("name", ["credit_limit", "version", "nmae", "lines"])
def test_only_fields_one_may_set_are_chosen(shop: Workspace, name: str) -> None:
    keep, drop, _ = pair(shop)
    with pytest.raises(Refused) as refused:
        merge_records.merge(shop.db, shop.work("kim"), Merge(BUYER, keep, drop, frozenset({name})))
    assert codes(refused) == {f"/take/{name}": "merge.unknown_choice"}


def test_a_record_is_not_merged_with_itself_and_a_stranger_undoes_nothing(shop: Workspace) -> None:
    keep, drop, _ = pair(shop)
    with pytest.raises(Refused) as refused:
        merge_records.merge(shop.db, shop.work("kim"), Merge(BUYER, keep, keep))
    assert codes(refused) == {"": "merge.same"}
    done = merge_records.merge(shop.db, shop.work("kim"), Merge(BUYER, keep, drop))
    for who, merge_id in (("clara", done.id), ("kim", "nonsense")):
        with pytest.raises(Refused) as refused:
            merge_records.undo(shop.db, shop.work(who), merge_id)
        assert codes(refused) == {"": "merge.missing"}


def test_lines_of_other_records_follow_a_merge_and_its_undoing(shop: Workspace) -> None:
    """A product that is there twice: nothing that was ordered of it is lost, nor stands in the way."""
    keep = shop.create("kim", ITEM, {"name": "Lamp", "series": "A"})
    drop = shop.create("kim", ITEM, {"name": "Lamp", "series": "B"})
    lines = [{"item": each, "quantity": "1", "amount": "5"} for each in (drop, keep, drop)]
    record = shop.create("clara", ORDER, {"number": "N1", "lines": lines})

    def items() -> list[object]:
        return [line["item"] for line in get(shop, "kim", ORDER, record).lines["lines"]]

    done = merge_records.merge(shop.db, shop.work("kim"), Merge(ITEM, keep, drop, frozenset({"series"})))
    assert (done.moved, items()) == (1, [keep, keep, keep])
    assert get(shop, "kim", ORDER, record).values["total"].amount == 15
    undone = merge_records.undo(shop.db, shop.work("kim"), done.id)
    assert (undone.moved, undone.kept, items()) == (2, 0, [drop, keep, drop])
    assert get(shop, "kim", ITEM, keep).values["series"] == "A"


def test_a_line_that_was_changed_since_stays_as_it_is(shop: Workspace) -> None:
    keep, drop, other = (shop.create("kim", ITEM, {"name": each}) for each in ("Lamp", "lamp", "Chair"))
    lines = [{"item": drop, "quantity": "1", "amount": "5"}] * 2
    record = shop.create("clara", ORDER, {"number": "N1", "lines": lines})
    done = merge_records.merge(shop.db, shop.work("kim"), Merge(ITEM, keep, drop))
    first, second = get(shop, "kim", ORDER, record).lines["lines"]
    shop.update("kim", ORDER, record, {"lines": [{"id": first["id"], "item": other}, {"id": second["id"]}]})
    undone = merge_records.undo(shop.db, shop.work("kim"), done.id)
    assert (undone.moved, undone.kept) == (1, 1)
    assert [line["item"] for line in get(shop, "kim", ORDER, record).lines["lines"]] == [other, drop]


def test_a_value_that_must_be_unique_may_come_from_the_record_that_goes(shop: Workspace) -> None:
    keep, drop, _ = pair(shop)
    work = shop.work("kim")
    done = merge_records.merge(shop.db, work, Merge(BUYER, keep, drop, frozenset({"code"})))
    assert get(shop, "kim", BUYER, keep).values["code"] == "A-2"
    merge_records.undo(shop.db, work, done.id)
    assert [get(shop, "kim", BUYER, each).values["code"] for each in (keep, drop)] == ["A-1", "A-2"]


def test_a_record_is_merged_with_the_one_it_leads_to(shop: Workspace) -> None:
    keep, drop, _ = pair(shop)
    third = shop.create("kim", BUYER, {"name": "Umbra"})
    shop.update("kim", BUYER, keep, {"referrer": drop})
    shop.update("kim", BUYER, drop, {"referrer": third})
    done = merge_records.merge(
        shop.db, shop.work("kim"), Merge(BUYER, keep, drop, frozenset({"referrer", "code"}))
    )
    assert get(shop, "kim", BUYER, keep).values["referrer"] == third
    assert merge_records.undo(shop.db, shop.work("kim"), done.id).kept == 0
    found = [get(shop, "kim", BUYER, each).values for each in (keep, drop)]
    assert [(each["referrer"], each["code"]) for each in found] == [(drop, "A-1"), (third, "A-2")]


def test_everything_about_two_records_is_as_it_was_when_a_merge_is_taken_back(shop: Workspace) -> None:
    """Values, lines, links from every side, lists that hold both, comments and files, to the last byte."""
    work = shop.work("kim")
    lines = [{"quantity": "1", "amount": "5", "remark": each} for each in ("b", "a", "c")]
    keep = shop.create("kim", ORDER, {"number": "K", "lines": lines[:2], "reason": "x"})
    drop = shop.create("kim", ORDER, {"number": "D", "lines": lines, "ordered_on": "2026-01-02"})
    fans = [
        shop.create("kim", BUYER, {"name": "Fan", "favourites": each})
        for each in ([drop], [drop, keep], [keep, drop])
    ]
    for record in (keep, drop):
        file = FileRow(
            f"f{record}",
            "0" * 64,
            "a.txt",
            "text/plain",
            5,
            None,
            None,
            None,
            "upload",
            work.context.actor.id,
            0,
        )
        shop.db.write_now(partial(file_rows.add, row=file))
        shop.db.write_now(partial(attachments.attach, work=work, ref=ORDER, record_id=record, file=file))
        shop.db.write_now(
            partial(comments.add, work=work, ref=ORDER, record_id=record, text=f"about {record}")
        )

    def everything() -> list[object]:
        found: list[object] = [get(shop, "kim", BUYER, each).json() for each in fans]
        for each in (keep, drop):
            found.append(get(shop, "kim", ORDER, each).json())
            found.append(shop.read(partial(comments.read, work=work, ref=ORDER, record_id=each)))
            found.append(shop.read(partial(attachments.read, work=work, ref=ORDER, record_id=each)))
        return [_without_moments(each) for each in found]

    before = everything()
    done = merge_records.merge(shop.db, work, Merge(ORDER, keep, drop, frozenset({"number", "reason"})))
    said = shop.read(lambda r: comments.read(r, work, ORDER, keep))
    assert sorted(each.text for each in said.items) == sorted(f"about {each}" for each in (keep, drop))
    assert [get(shop, "kim", BUYER, each).json()["favourites"] for each in fans] == [[keep]] * 3
    assert merge_records.undo(shop.db, work, done.id).kept == 0
    assert everything() == before


def _without_moments(found: object) -> object:
    """What a save moves of itself."""
    if not isinstance(found, dict):
        return found
    moving = ("version", "updated_at", "updated_by")
    return {name: _lines_plain(value) for name, value in found.items() if name not in moving}


def _lines_plain(value: object) -> object:
    return [_without_moments(each) for each in value] if isinstance(value, list) else value
