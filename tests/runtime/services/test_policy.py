"""What several roles give together: never a field on a row that none of them shows there."""

from __future__ import annotations

from dacheng.metadata.definition import FieldGrant, Grant
from dacheng.metadata.expression import check, parse
from dacheng.runtime.services.conditions import CONTEXT_TYPES
from dacheng.runtime.services.policy import EntityPolicy, fold_grants
from tests.runtime.services.workspace import Workspace

ORDER = "shop.order"
HIDDEN = {"total": FieldGrant(read=False, write=False), "reason": FieldGrant(read=True, write=False)}


def folded(shop: Workspace, *grants: Grant) -> EntityPolicy:
    found = fold_grants(shop.model.catalogue.entities[ORDER], list(grants))
    assert found is not None
    return found


def own(shop: Workspace, **more: object) -> Grant:
    entity = shop.model.catalogue.entities[ORDER]
    rule = check(parse({"==": [{"var": "owner"}, {"var": "$user.id"}]}), entity.scope, CONTEXT_TYPES)
    return Grant(ORDER, read=rule, update=rule, **more)  # type: ignore[arg-type]


def test_a_field_of_own_rows_stays_hidden_where_another_role_opens_every_row(small_shop: Workspace) -> None:
    assert "total" in folded(small_shop, own(small_shop)).readable
    both = folded(small_shop, own(small_shop), Grant(ORDER, read=True, fields=HIDDEN))
    assert "total" not in both.readable
    assert both.rows["read"] is True


def test_a_field_shown_on_every_row_is_seen_whatever_a_narrower_role_hides(small_shop: Workspace) -> None:
    both = folded(small_shop, Grant(ORDER, read=True), own(small_shop, fields=HIDDEN))
    assert "total" in both.readable


def test_the_same_rows_by_two_roles_show_what_either_shows(small_shop: Workspace) -> None:
    both = folded(small_shop, own(small_shop), own(small_shop, fields=HIDDEN))
    assert "total" in both.readable
    assert "reason" in both.writable


def test_a_field_written_on_own_rows_is_not_written_on_all(small_shop: Workspace) -> None:
    wide = Grant(ORDER, read=True, update=True, fields={"reason": FieldGrant(read=True, write=False)})
    assert "reason" not in folded(small_shop, own(small_shop), wide).writable
    assert "reason" in folded(small_shop, own(small_shop)).writable
