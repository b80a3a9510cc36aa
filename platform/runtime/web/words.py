"""The interface's own words: keys in `messages/*.json`, each with its text in every locale.

Labels of apps come from their packages (`dacheng.metadata.labels`); here stands only what the
product itself says. An unknown key is a KeyError, so that a page never shows a key to people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Protocol

LOCALES = ("zh-CN", "en")
DEFAULT_LOCALE = "zh-CN"
Text = str | Mapping[str, str]


class Words(Protocol):
    """`words("list.count", count=3)`: the sentence in the bound locale, its places filled."""

    def __call__(self, key: str, /, **params: object) -> str:
        """The text of `key`; a text with forms `one` and `other` chooses by `count`."""
        ...


@cache
def words(locale: str) -> Words:
    """The interface's words in one locale; a locale without words speaks English."""
    texts = _texts(locale if locale in LOCALES else "en")

    def say(key: str, /, **params: object) -> str:
        text = texts[key]
        if not isinstance(text, str):
            text = text["one" if params.get("count") == 1 else "other"]
        return text.format_map(params) if params else text

    return say


def sentences(locale: str, *parts: str) -> str:
    """Sentences as one text: Chinese puts no space after its full stop."""
    return ("" if locale == "zh-CN" else " ").join(part for part in parts if part)


@cache
def catalogue() -> Mapping[str, Mapping[str, Text]]:
    """Every key with its texts by locale; the same key in two files is refused at start."""
    found: dict[str, Mapping[str, Text]] = {}
    folder = resources.files("dacheng.runtime.web").joinpath("messages")
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            part: dict[str, Any] = json.loads(entry.read_text("utf-8"))
            twice = found.keys() & part.keys()
            if twice:
                raise ValueError(f"{entry.name} repeats {sorted(twice)}")
            found.update(part)
    return MappingProxyType(found)


def _texts(locale: str) -> Mapping[str, Text]:
    return {key: texts[locale] for key, texts in catalogue().items()}
