"""Two records of the same thing become one, and two again."""

from __future__ import annotations

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import attachments, merge_records
from dacheng.runtime.services.merge_records import Merge
from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.file_rows import FileRow
from tests.runtime.services.test_write_record import codes, get
from tests.runtime.services.workspace import Workspace

BUYER, ORDER = "shop.buyer", "shop.order"


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
