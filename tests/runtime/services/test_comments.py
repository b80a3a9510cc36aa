"""Comments on records: for who reads the record; mentions only of people who may see it; kept in the change log."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import audience, comments
from dacheng.runtime.storage import change_log
from tests.runtime.services.test_write_record import ORDER, codes, order
from tests.runtime.services.together import say, with_roles
from tests.runtime.services.workspace import Workspace

BUYER, NOBODY = "shop.buyer", "01900000-0000-7000-8000-000000000000"


def thread(shop: Workspace, who: str, ref: str, record: str) -> list[comments.Comment]:
    work = shop.work(who)
    return list(shop.read(lambda reader: comments.read(reader, work, ref, record)).items)


def test_who_reads_the_record_reads_and_writes_its_comments(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    say(shop, "clara", ORDER, record, "客户要求 <b>周五</b>前回复\r\n第二行 ")
    shop.now += timedelta(seconds=1)
    say(shop, "kim", ORDER, record, "ok")
    found = thread(shop, "clara", ORDER, record)
    assert [(each.author_name, each.text) for each in found] == [
        ("Kim", "ok"),
        ("Clara", "客户要求 <b>周五</b>前回复\n第二行"),
    ]
    assert [sorted(each.may) for each in found] == [[], ["delete", "edit"]]
    for refused_to in ("cody", "gus"):
        for action in (lambda who=refused_to: thread(shop, who, ORDER, record),
                       lambda who=refused_to: say(shop, who, ORDER, record, "hello")):  # fmt: skip
            with pytest.raises(Refused) as refused:
                action()
            assert refused.value.problems[0].code in ("record.missing", "query.unknown_entity")


def test_t06_only_people_who_may_see_the_record_are_offered_or_mentioned(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    work = shop.work("clara")
    offered = shop.read(lambda reader: audience.offered(reader, work, ORDER, record, ""))
    assert [name for _, name in offered] == ["Kim"]
    problems = []
    for other in ("cody", "gus", NOBODY, "no id at all"):
        with pytest.raises(Refused) as refused:
            say(shop, "clara", ORDER, record, "@x", ["kim", other])
        problems.append(codes(refused))
    assert problems == [{"/mentions/1": "comment.unknown_person"}] * 4
    assert thread(shop, "clara", ORDER, record) == []
    assert say(shop, "clara", ORDER, record, "@Kim", ["kim"]).mentions == ((shop.people["kim"], "Kim"),)


def test_own_comments_are_corrected_for_a_day_and_the_log_keeps_what_they_said(shop: Workspace) -> None:
    with_roles(shop)
    record = shop.create("clara", BUYER, {"name": "Acme"})
    made = say(shop, "clara", BUYER, record, "frist")
    work = shop.work("clara")
    mended = shop.db.write_now(lambda tx: comments.edit(tx, work, BUYER, record, made.id, "first"))
    assert (mended.text, mended.edited_at is not None) == ("first", True)
    others = shop.work("cody")
    with pytest.raises(Refused) as refused:
        shop.db.write_now(lambda tx: comments.edit(tx, others, BUYER, record, made.id, "x"))
    assert codes(refused) == {"": "comment.not_own"}
    with pytest.raises(Refused):
        shop.db.write_now(lambda tx: comments.delete(tx, others, BUYER, record, made.id))
    shop.now += timedelta(hours=25)
    late = shop.work("clara")
    with pytest.raises(Refused) as refused:
        shop.db.write_now(lambda tx: comments.edit(tx, late, BUYER, record, made.id, "x"))
    assert codes(refused) == {"": "comment.too_late"}
    shop.db.write_now(lambda tx: comments.delete(tx, late, BUYER, record, made.id))
    assert thread(shop, "clara", BUYER, record) == []
    log = shop.read(lambda reader: change_log.read(reader, comments.LOGGED_AS, made.id))
    assert [(row.action, row.changes.get("body")) for row in log] == [
        ("delete", ["first", None]),
        ("update", ["frist", "first"]),
        ("create", None),
    ]


def test_a_comment_of_another_record_is_not_there(shop: Workspace) -> None:
    with_roles(shop)
    mine, hers = order(shop, number="A-1"), order(shop, "cody", "A-2")
    made = say(shop, "cody", ORDER, hers, "private")
    work = shop.work("clara")
    for ident in (made.id, NOBODY):
        with pytest.raises(Refused) as refused:
            shop.db.write_now(partial(comments.delete, work=work, ref=ORDER, record_id=mine, ident=ident))
        assert codes(refused) == {"": "comment.missing"}


@pytest.mark.parametrize(("text", "code"), [(" \n ", "comment.empty"), ("x" * 4001, "value.too_long")])
def test_texts_that_say_nothing_or_too_much_are_refused(small_shop: Workspace, text: str, code: str) -> None:
    record = small_shop.create("clara", BUYER, {"name": "Acme"})
    with pytest.raises(Refused) as refused:
        say(small_shop, "clara", BUYER, record, text)
    assert codes(refused) == {"/text": code}


def test_older_comments_come_page_by_page(small_shop: Workspace) -> None:
    record = small_shop.create("clara", BUYER, {"name": "Acme"})
    for number in range(5):
        small_shop.now += timedelta(seconds=1)
        say(small_shop, "clara", BUYER, record, str(number))
    texts: list[str] = []
    before: int | None = None
    ask = partial(comments.read, work=small_shop.work("clara"), ref=BUYER, record_id=record, limit=2)
    while True:
        page = small_shop.read(partial(ask, before=before))
        texts += [each.text for each in page.items]
        before = page.next
        if before is None:
            break
    assert texts == ["4", "3", "2", "1", "0"]
