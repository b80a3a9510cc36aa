"""Labels: terms fill sentences, locales fall back, a rename reaches every sentence at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dacheng.metadata.definition import Catalogue, Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import Labels, best_locale, compile_labels, fill
from dacheng.metadata.layers import fold
from dacheng.metadata.lint import lint

TERMS = {"customer": {"one": "customer", "plural": "customers"}, "team": {"one": "équipe"}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("All {term:customer|plural}", "All customers"),
        ("{term:customer|plural|title} here", "Customers here"),
        ("{term:team|title}", "Équipe"),
        ("{term:team|plural}", "équipe"),
        ("{term:no_such}", "no such"),
        ("{term:customer|loud}", "{term:customer|loud}"),
        ("{count} of {term:customer}", "{count} of customer"),
    ],
)
def test_a_term_reference_reads_as_its_words(text: str, shown: str) -> None:
    assert fill(text, TERMS) == shown


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh_cn", "zh-CN"),
        ("en-US", "en"),
        ("fr", "zh-CN"),
        ("", "zh-CN"),
    ],
)
def test_a_locale_falls_back_to_its_language_then_to_the_first(wanted: str, found: str) -> None:
    assert best_locale(wanted, ["zh-CN", "en"]) == found


@pytest.fixture(scope="module")
def labels(core: Package, sales: Package, shop: Package, catalogue: Catalogue, kinds: Kinds) -> Labels:
    return compile_labels([core, sales, shop], catalogue, kinds)


def test_every_app_is_fully_labelled_in_both_locales(labels: Labels) -> None:
    for app in ("core", "sales_management", "shop"):
        for locale in ("zh-CN", "en"):
            assert labels.coverage(locale, app).missing == ()
            assert labels.coverage(locale, app).ratio == 1
            assert labels.coverage(locale, app).total > 20


def test_system_fields_and_parents_have_words(labels: Labels, catalogue: Catalogue) -> None:
    order = catalogue.entities["shop.order"].fields
    line = catalogue.entities["shop.order_line"].fields
    assert labels.field("zh-CN", order["owner"]) == "负责人"
    assert labels.field("en", order["updated_at"]) == "Updated"
    assert labels.field("zh-CN", line["order"]) == "订单"


def test_an_app_has_words_of_its_own_for_the_owner(
    core: Package, shop: Package, catalogue: Catalogue, kinds: Kinds
) -> None:
    own_words = {"zh-CN": "店员", "en": "Clerk"}
    words = {each: {**shop.labels[each], "field:order.owner": own_words[each]} for each in own_words}
    own = replace(shop, labels={**shop.labels, **words})
    assert lint(own, kinds, {"core": core}) == ()
    owner = catalogue.entities["shop.order"].fields["owner"]
    found = compile_labels([core, own], catalogue, kinds)
    assert (found.field("zh-CN", owner), found.field("en", owner)) == ("店员", "Clerk")


def test_entities_have_a_plural_and_navigation_uses_it(labels: Labels, catalogue: Catalogue) -> None:
    account = catalogue.entities["sales_management.account"]
    assert labels.entity("en", account) == "Customer"
    assert labels.entity("en", account, "plural") == "Customers"
    assert labels.text("en", "sales_management", "nav:accounts") == "Customers"
    assert labels.text("zh-CN", "sales_management", "nav:overview") == "经营总览"


def test_options_short_names_and_help(labels: Labels, catalogue: Catalogue) -> None:
    fields = catalogue.entities["sales_management.opportunity"].fields
    assert labels.option("zh-CN", fields["stage"], "won") == "赢单"
    assert labels.option("zh-CN", fields["stage"], "gone") == "gone"
    assert labels.field("en", fields["probability"], short=True) == "Chance"
    assert labels.field("en", fields["amount"], short=True) == "Amount"
    assert labels.help("en", fields["amount"]).startswith("The expected amount")
    assert labels.help("en", fields["stage"]) == ""


def test_an_unknown_slot_reads_as_its_id(labels: Labels) -> None:
    assert labels.text("en", "sales_management", "entity:no_such_thing") == "no such thing"
    assert labels.text("en", "nowhere", "app") == "app"


def test_one_term_operation_changes_every_sentence(
    core: Package, sales: Package, catalogue: Catalogue, kinds: Kinds, labels: Labels
) -> None:
    rename = LayerOperation("term", "term", "", ("zh-CN", "customer", "one"), "车主", "客户")
    folded = fold(sales, [Layer("workspace", "sales_management", (rename,))], kinds).package
    renamed = compile_labels([core, folded], catalogue, kinds)
    before = labels.tables["sales_management"]["zh-CN"]
    after = renamed.tables["sales_management"]["zh-CN"]
    assert sum("客户" in text for text in before.values()) >= 8
    assert not any("客户" in text for text in after.values())
    assert renamed.text("zh-CN", "sales_management", "list:accounts") == "全部车主"
    assert renamed.hash != labels.hash


def test_words_missing_in_one_locale_come_from_another(
    core: Package, shop: Package, catalogue: Catalogue
) -> None:
    half = {slot: text for slot, text in shop.labels["en"].items() if slot != "list:orders"}
    package = replace(shop, labels={**shop.labels, "en": half})
    labels = compile_labels([core, package], catalogue)
    assert labels.text("en", "shop", "list:orders") == "全部订单"
    assert labels.coverage("en", "shop").missing == ("list:orders",)


def test_equal_words_give_an_equal_hash(core: Package, shop: Package, catalogue: Catalogue) -> None:
    assert compile_labels([core, shop], catalogue).hash == compile_labels([core, shop], catalogue).hash
