"""Words of the workspace: a term changes every sentence, at once, in every process, without compiling anything."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import edit_labels
from dacheng.runtime.services.sessions import Credentials
from dacheng.runtime.settings import load_settings
from tests.runtime.workspace import add, workspace

SALES = "sales_management"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with workspace(tmp_path, sales=True) as opened:
        yield opened


def term_of(host: Host) -> str:
    page = edit_labels.list_labels(host, host.work(), SALES, "zh-CN")
    return next(each.term for each in page.terms if each.forms["one"] == "客户")


def test_one_edit_of_a_term_changes_every_text_that_uses_it(host: Host) -> None:
    before = host.model()
    term = term_of(host)
    used = edit_labels.set_term(host, host.work(), SALES, "zh-CN", term, {"one": "车主"})
    page = edit_labels.list_labels(host, host.work(), SALES, "zh-CN")
    row = next(each for each in page.terms if each.term == term)
    assert used == len(row.used_in) > 1
    assert all("车主" in label.text for label in page.labels if label.slot in row.used_in)
    assert row.owner == "workspace"
    after = host.model()
    assert after.catalogue is before.catalogue
    assert after.tables is before.tables
    assert after.versions.definitions == before.versions.definitions
    edit_labels.reset_term(host, host.work(), SALES, "zh-CN", term)
    page = edit_labels.list_labels(host, host.work(), SALES, "zh-CN")
    assert not [label for label in page.labels if "车主" in label.text]


def test_one_label_is_reworded_and_given_back(host: Host) -> None:
    slot = "entity:product"
    edit_labels.set_label(host, host.work(), SALES, "en", slot, "Thing <b>")
    rows = {row.slot: row for row in edit_labels.list_labels(host, host.work(), SALES, "en").labels}
    assert (rows[slot].text, rows[slot].owner) == ("Thing <b>", "workspace")
    assert rows[slot].base
    edit_labels.reset_label(host, host.work(), SALES, "en", slot)
    rows = {row.slot: row for row in edit_labels.list_labels(host, host.work(), SALES, "en").labels}
    assert (rows[slot].source, rows[slot].owner) == (rows[slot].base, SALES)


@pytest.mark.parametrize("text", ["", " ", "x" * 81])
def test_a_term_that_cannot_be_is_refused_and_nothing_changes(host: Host, text: str) -> None:
    versions = host.model().versions
    with pytest.raises(Refused) as refused:
        edit_labels.set_term(host, host.work(), SALES, "zh-CN", term_of(host), {"one": text})
    assert refused.value.problems[0].code == "label.refused"
    assert host.refresh().versions == versions


def test_only_administrators_edit_words(host: Host) -> None:
    user = add(host, "rep@example.com", "sales_rep")
    rep = host.work(User(user, "rep", frozenset({"sales_management.sales_rep"})))
    for attempt in (
        lambda: edit_labels.list_labels(host, rep, SALES, "en"),
        lambda: edit_labels.set_label(host, rep, SALES, "en", "entity:product", "x"),
        lambda: edit_labels.reset_term(host, rep, SALES, "zh-CN", term_of(host)),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.category == "forbidden"


def test_another_process_shows_it_at_its_next_request(tmp_path: Path, postgres_url: str) -> None:
    with workspace(tmp_path, postgres_url, sales=True) as first:
        settings = load_settings({"data": tmp_path / "second", "database": postgres_url}, {})
        second = Host.open(settings, plugins={})
        try:
            edit_labels.set_term(first, first.work(), SALES, "zh-CN", term_of(first), {"one": "车主"})
            work = asyncio.run(second.work_for(Credentials()))
            entity = work.model.catalogue.entities["sales_management.account"]
            assert "车主" in work.model.labels.entity("zh-CN", entity)
        finally:
            second.close()
