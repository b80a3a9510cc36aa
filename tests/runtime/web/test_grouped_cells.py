"""A list can be grouped by whatever it may be grouped by: each kind of key is drawn as a cell of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.security.hidden import FIELDS, PAGES, Den, open_den


@pytest.fixture(scope="module")
def den(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Den]:
    with open_den(tmp_path_factory.mktemp("den")) as opened:
        yield opened


@pytest.mark.parametrize("field", [*FIELDS, "name", "stage", "day", "owner", "created_at"])
def test_a_list_is_grouped_by_a_field_of_any_kind(den: Den, field: str) -> None:
    answer = den.browser["ada"].get(PAGES, params={"group-by": field})
    assert answer.status_code == 200
    if field == "priv_money":  # an amount is no group
        return
    assert len(re.findall(r'<tr class="group ', answer.text)) >= 1


@pytest.mark.parametrize(
    ("field", "key", "count"), [("priv_many", "blue", 2), ("priv_tags", "zebrafinch", 2)]
)
def test_a_group_of_one_among_several_unfolds_to_its_records(
    den: Den, field: str, key: str, count: int
) -> None:
    asked = {"group-by": field, "group-open": f'[["{key}"]]'}
    text = den.browser["ada"].get(PAGES, params=asked).text
    assert len(set(re.findall(rf'href="{PAGES}/([0-9a-f-]{{36}})"', text))) == count
