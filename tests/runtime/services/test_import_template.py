"""Files to fill in: the headings are the reader's words for what they may fill, and lead back to the fields."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.runtime.services.import_mapping import fillable, suggest_mapping
from dacheng.runtime.services.import_template import headings, template
from dacheng.runtime.services.import_workbook_template import template_workbook
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workbook import read_workbook
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages


def in_language(work: Work, locale: str) -> Work:
    """The same call by a reader of another language."""
    return replace(work, context=replace(work.context, locale=locale))


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("who", ["", "kim", "clara"])
def test_every_heading_leads_back_to_its_field(shop: Workspace, who: str, locale: str) -> None:
    work = in_language(shop.work(who), locale)
    tried = 0
    for ref, policy in work.policy.entities.items():
        if policy.entity.parent is not None or not policy.may("create"):
            continue
        tried += 1
        written = next(csv.reader(template(work, ref)))
        assert len(written) == len(set(written))
        found = {each.field: each.column for each in suggest_mapping(work, ref, written).columns}
        assert [*found] == [*fillable(work, ref, historic=False)], ref
        assert [*found.values()] == written
    assert tried


def test_a_heading_is_a_label_in_the_language_of_the_reader(shop: Workspace) -> None:
    work = shop.work("kim")
    entity = work.entity("shop.buyer").entity
    for locale in ("en", "zh-CN"):
        label = work.model.labels.field(locale, entity.fields["name"])
        assert label in headings(in_language(work, locale), "shop.buyer")


def test_what_one_may_not_write_or_add_is_not_offered(shop: Workspace) -> None:
    work = shop.work("clara")
    offered = suggest_mapping(work, "shop.order", headings(work, "shop.order")).columns
    assert {each.field for each in offered} <= work.entity("shop.order").writable
    with pytest.raises(Refused) as refused:
        template(shop.work("gus"), "shop.order")
    assert refused.value.problems[0].code == "query.unknown_entity"
    with pytest.raises(Refused) as refused:
        template(work, "shop.item")
    assert refused.value.problems[0].code == "access.not_permitted"


def misleading_words() -> tuple[Package, ...]:
    """The shop with two fields of one label and a label that is the id of another field."""
    core, base = packages()
    english = dict(base.labels["en"])
    english |= {"field:buyer.born_on": "Call", "field:buyer.code": "Call", "field:buyer.name": "visits"}
    return core, replace(base, labels={**base.labels, "en": english}, hash="")


def test_labels_that_could_mean_another_field_give_way_to_ids(sqlite_url: str) -> None:
    shop = open_workspace(sqlite_url, model_of(misleading_words()))
    work = shop.work("kim")
    written = headings(work, "shop.buyer")
    assert "name" in written
    assert {"born_on", "code"} & {*written}
    found = {each.field: each.column for each in suggest_mapping(work, "shop.buyer", written).columns}
    assert [*found] == [*fillable(work, "shop.buyer", historic=False)]
    shop.db.close()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_workbook_to_fill_in_is_recognised_and_offers_its_choices(shop: Workspace, locale: str) -> None:
    work = in_language(shop.work("kim"), locale)
    tried = 0
    for ref, policy in work.policy.entities.items():
        if policy.entity.parent is not None or not policy.may("create"):
            continue
        content = b"".join(template_workbook(work, ref))
        read = read_workbook(content)
        fields = fillable(work, ref, historic=False)
        found = {each.field: each.column for each in suggest_mapping(work, ref, read.header).columns}
        assert [*found] == [*fields]
        assert len(read.sheets) == 2
        explained = [cells for _, cells in read_workbook(content, read.sheets[1]).rows()]
        assert [cells[0] for cells in explained] == list(read.header)
        assert [bool(cells[1]) for cells in explained] == [each.required for each in fields.values()]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            first = archive.read("xl/worksheets/sheet1.xml").decode()
            others = "".join(archive.read(n).decode() for n in archive.namelist() if n.endswith(".xml"))
        tried += first.count("<dataValidation ")
        for field in fields.values():
            for option in field.options:
                shown = work.model.labels.option(locale, field, option.id)
                assert (f">{shown}<" in others) is not option.archived
    assert tried


def test_nobody_gets_a_workbook_for_what_they_may_not_add(shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        template_workbook(shop.work("clara"), "shop.item")
    assert refused.value.problems[0].code == "access.not_permitted"
