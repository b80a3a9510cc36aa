"""What counts when two records are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata.matching import COMPARED, compared

ALIKE = [
    ("company", "北京华云科技有限公司", "北京华云（北京）科技 股份有限公司"),
    ("company", "华云集团有限公司", "华云"),
    ("company", "Acme Co., Ltd.", "ACME"),
    ("company", "Ａｃｍｅ (China) Inc", "acme"),
    ("digits", "+86 138-0013-8000", "13800138000"),
    ("digits", "（010）8888 6666", "01088886666"),
    ("host", "https://www.Acme.com/about", "sales@acme.com"),
    ("text", " Acme  North ", "ａｃｍｅ north"),
    ("exact", " 91110000A ", "91110000A"),
]
APART = [
    ("company", "华云科技", "华云网络"),
    ("company", "公司", "有限公司"),
    ("digits", "13800138000", "13800138001"),
    ("exact", "91110000a", "91110000A"),
    ("host", "acme.com", "acme.cn"),
]


@pytest.mark.parametrize(("compare", "one", "other"), ALIKE)
def test_the_same_thing_written_otherwise_is_the_same(compare: str, one: str, other: str) -> None:
    assert compared(compare, one) == compared(compare, other) != ""


@pytest.mark.parametrize(("compare", "one", "other"), APART)
def test_different_things_stay_apart(compare: str, one: str, other: str) -> None:
    assert compared(compare, one) != compared(compare, other)


@pytest.mark.parametrize("text", ["", "  ", "12", "--"])
def test_too_little_says_nothing(text: str) -> None:
    assert compared("digits", text) == ""


@given(text=st.text(max_size=60), compare=st.sampled_from(sorted(COMPARED)))
def test_what_counts_is_bounded_and_any_text_is_taken(text: str, compare: str) -> None:
    assert len(compared(compare, text * 10)) <= 200
