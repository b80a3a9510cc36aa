"""Text: one or several lines of characters, counted in code points, optionally held to a linear-time pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

DEFAULT_LENGTH = 255
MAX_LENGTH = 20_000
MAX_PATTERN = 200


def clean_text(raw: Any) -> str:
    """The text itself if it is text that every part of the product can carry: no NUL, no lone surrogate."""
    if not isinstance(raw, str):
        raise refuse("value.not_text")
    if "\x00" in raw:
        raise refuse("value.bad_character")
    if not _encodes(raw):
        raise refuse("value.bad_character")
    return raw


@lru_cache(maxsize=1024)
def linear_pattern(pattern: str) -> jsonschema_rs.Draft202012Validator:
    """A matcher in linear time (the `regex` engine: no look-around, no back-references); refuses what it cannot do."""
    if len(pattern) > MAX_PATTERN:
        raise refuse("definition.pattern_too_long", limit=MAX_PATTERN)
    try:
        options = jsonschema_rs.RegexOptions(size_limit=1_000_000)
        return jsonschema_rs.Draft202012Validator(
            {"type": "string", "pattern": pattern}, pattern_options=options
        )
    except (ValueError, jsonschema_rs.ValidationError):
        raise refuse("definition.bad_pattern", pattern=pattern) from None


class TextCodec(Verbatim):
    """Text bound to one field: `str`, never empty; empty means missing."""

    def __init__(self, spec: Spec) -> None:
        self.limit = int(spec.get("maxLength", DEFAULT_LENGTH))
        self.shortest = int(spec.get("minLength", 0))
        pattern = spec.get("pattern")
        self.matcher = None if pattern is None else linear_pattern(pattern)
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        schema: dict[str, Any] = {"type": "string", "maxLength": self.limit}
        if pattern is not None:
            schema["pattern"] = pattern
        if self.shortest:
            schema["minLength"] = self.shortest
        self.value_schema: Mapping[str, Any] = schema

    def parse(self, raw: Json) -> str | None:
        """JSON text → text."""
        if raw is None or raw == "":
            return None
        text = clean_text(raw)
        if len(text) > self.limit:
            raise refuse("value.too_long", limit=self.limit, length=len(text))
        if len(text) < self.shortest:
            raise refuse("value.too_short", limit=self.shortest)
        if self.matcher is not None and not self.matcher.is_valid(text):
            raise refuse("value.pattern")
        return text

    def parse_text(self, text: str) -> str | None:
        """Typed text → text without surrounding white space."""
        return self.parse(text.replace("\r\n", "\n").strip())

    def store_texts(self, texts: Sequence[str]) -> list[str | None] | None:
        """All at once when they are ordinary: no line break, within the limits, matching the pattern."""
        together = "".join(texts)
        if "\r" in together or "\x00" in together or not _encodes(together):
            return None
        filled = [text for text in texts if text]
        if filled and (len(max(filled, key=len)) > self.limit or len(min(filled, key=len)) < self.shortest):
            return None
        if self.matcher is not None and not all(map(self.matcher.is_valid, filled)):
            return None
        return [text or None for text in texts]


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Text(FieldKind):
    """Plain text of at most `maxLength` code points (255 unless said); `x-multiline` makes it a text area."""

    id = "text"
    ordered = True
    schema: Mapping[str, Any] = {
        "properties": {
            "maxLength": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
            "minLength": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
            "pattern": {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN},
            "x-multiline": {"type": "boolean"},
        }
    }

    def bind(self, field_id: str, spec: Spec) -> TextCodec:
        """The codec of one text field."""
        return TextCodec(spec)
