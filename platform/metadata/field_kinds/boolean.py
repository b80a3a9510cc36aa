"""Boolean: yes or no; where an answer is not required there is also none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dacheng.metadata.expression import BOOLEAN
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

YES = frozenset({"true", "yes", "y", "1", "on", "是", "对", "有", "√", "✓", "✔", "☑"})
NO = frozenset({"false", "no", "n", "0", "off", "否", "不是", "不", "错", "无", "×", "✗", "✘", "☐"})
WORDS: Mapping[str, tuple[str, str]] = {"en": ("No", "Yes"), "zh-CN": ("否", "是")}


class BooleanCodec:
    """Yes or no bound to one field: `bool`, stored as 0 or 1."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.BOOLEAN, indexed=bool(spec.get("x-index"))),)
        self.type = BOOLEAN
        self.value_schema: Mapping[str, Any] = {"type": "boolean"}

    def parse(self, raw: Json) -> bool | None:
        """JSON true or false → bool; the words `true` and `false` too, as forms and files send them."""
        if raw is None or raw == "":
            return None
        if raw is True or raw is False:
            return raw
        if isinstance(raw, str) and raw in ("true", "false"):
            return raw == "true"
        raise refuse("value.not_yes_or_no", value=raw)

    def parse_text(self, text: str) -> bool | None:
        """A word for yes or no in any language of the product → bool; empty is missing."""
        word = narrow(text).lower()
        if not word:
            return None
        if word in YES or word in NO:
            return word in YES
        raise refuse("value.not_yes_or_no", value=text)

    def store(self, value: bool | None) -> tuple[Any, ...]:
        """1 or 0."""
        return (None if value is None else int(value),)

    def load(self, stored: Sequence[Any]) -> bool | None:
        """1 or 0 → bool."""
        return None if stored[0] is None else stored[0] == 1

    def json(self, value: bool | None) -> Json:
        """As it is."""
        return value

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """1 or 0 → bool."""
        return None if stored[0] is None else stored[0] == 1

    def text(self, value: bool | None) -> str:
        """`true` or `false`."""
        return "" if value is None else "true" if value else "false"

    def text_in(self, value: bool | None, locale: str) -> str:
        """是 or 否, Yes or No."""
        return "" if value is None else WORDS.get(locale, WORDS["en"])[value]

    def operand(self, value: bool | None) -> Any:
        """As it is."""
        return value


class Boolean(FieldKind):
    """Yes or no; a switch where an answer is required, else a choice of yes, no and none."""

    id = "boolean"

    def bind(self, field_id: str, spec: Spec) -> BooleanCodec:
        """The codec of one field of yes or no."""
        return BooleanCodec(spec)
