"""The recycle bin: who deleted what and when; back with lines; gone for good with comments and collaborators."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import comments, recycle_bin
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage import comments as stored
from tests.runtime.services.test_write_record import ORDER, codes, get, order
from tests.runtime.services.together import say, with_roles
from tests.runtime.services.workspace import NOW, Workspace


def lying(shop: Workspace, who: str, text: str = "") -> dict[str, list[str]]:
    """The titles in the bin by entity, as somebody sees it."""
    work = shop.work(who)
    found = shop.read(lambda r: recycle_bin.overview(r, work, text))
    return {each.entity: [one.title for one in each.items] for each in found}


def test_what_was_deleted_is_found_with_who_and_when_and_comes_back_whole(shop: Workspace) -> None:
    with_roles(shop)
    first, second = order(shop, number="A-1"), order(shop, number="B-2")
    shop.now += timedelta(minutes=1)
    shop.save("clara", "delete", ORDER, first)
    shop.now += timedelta(minutes=1)
    shop.save("kim", "delete", ORDER, second)
    assert lying(shop, "clara") == {ORDER: ["B-2", "A-1"]}
    assert lying(shop, "kim", "A-1") == {ORDER: ["A-1"]}
    assert lying(shop, "cody") == lying(shop, "gus") == {}
    work = shop.work("clara")
    page = shop.read(lambda r: recycle_bin.read(r, work, ORDER, limit=1))
    assert [(one.id, one.by) for one in page.items] == [(second, "Kim")]
    assert page.items[0].at == int((NOW + timedelta(minutes=2)).timestamp() * 1000)
    rest = shop.read(lambda r: recycle_bin.read(r, work, ORDER, cursor=page.next))
    assert [(one.id, one.by) for one in rest.items] == [(first, "Clara")]
    shop.save("clara", "restore", ORDER, first)
    assert get(shop, "clara", ORDER, first).values["line_count"] == 2
    assert lying(shop, "clara") == {ORDER: ["B-2"]}


def test_purging_is_for_administrators_and_leaves_nothing_but_the_log(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    say(shop, "clara", ORDER, record, "between us")
    with pytest.raises(Refused) as refused:
        shop.save("", "purge", ORDER, record)
    assert codes(refused) == {"": "record.not_deleted"}
    shop.save("clara", "delete", ORDER, record)
    with pytest.raises(Refused) as refused:
        shop.save("kim", "purge", ORDER, record)
    assert codes(refused) == {"": "access.not_permitted"}
    shop.save("", "purge", ORDER, record)
    assert lying(shop, "kim") == {}
    assert shop.read(lambda r: stored.of_record(r, ORDER, record, comments.EVER, 10)) == []
    log = shop.read(lambda r: change_log.read(r, ORDER, record))
    assert [row.action for row in log] == ["purge", "delete", "create"]
    with pytest.raises(Refused) as refused:
        shop.save("", "restore", ORDER, record)
    assert codes(refused) == {"": "record.missing"}


def test_who_may_delete_nothing_has_no_bin_of_it(small_shop: Workspace) -> None:
    work = small_shop.work("clara")
    assert "shop.buyer" not in recycle_bin.openable(work)
    with pytest.raises(Refused) as refused:
        small_shop.read(lambda r: recycle_bin.read(r, work, "shop.buyer"))
    assert codes(refused) == {"": "access.not_permitted"}
