"""The interface's words: every key in both languages with the same places, full-width marks in Chinese."""

from __future__ import annotations

import re
import string

import pytest

from dacheng.runtime.web.words import LOCALES, catalogue, words

HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")


def places(text: str) -> set[str]:
    """The names of the places in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_key_speaks_both_languages(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LOCALES)
    forms = [text if isinstance(text, str) else text["other"] for text in texts.values()]
    known = places(forms[0]) | places(forms[1]) | {"count"}
    assert all(places(form) <= known for form in forms)


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_chinese_is_punctuated_in_full_width(key: str) -> None:
    text = catalogue()[key]["zh-CN"]
    assert isinstance(text, str)
    assert HALF_WIDTH.search(text) is None


def test_one_and_many_are_told_apart() -> None:
    say = words("en")
    assert say("list.count", count=1, shown="1") == "1 record"
    assert say("list.count", count=2, shown="2") == "2 records"
