"""Autonumber: a number the product gives each new record, such as SO-202611-0042; it starts anew with its period."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.text import TextCodec
from dacheng.metadata.kinds import FieldKind, Spec
from dacheng.metadata.problem import refuse

DEFAULT_PATTERN = "{0000}"
LONGEST = 60
HIGHEST = 10**15
_PART = re.compile(r"\{(yyyy|yy|mm|dd|0{1,12})\}")
_PLACE = "{n}"  # where the counter stands in a frame


class AutonumberCodec(TextCodec):
    """A number bound to one field: text made of the pattern, a day and a counter.

    The frame is the number without its counter (`SO-202611-{n}`): each frame is counted by itself, which is
    what makes numbers start anew with a month or a year.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__({"maxLength": LONGEST})
        self.type = TEXT
        pattern = str(spec.get("x-pattern", DEFAULT_PATTERN))
        places = [part for part in _PART.findall(pattern) if part[0] == "0"]
        if len(places) != 1 or set(_PART.sub("", pattern)) & {"{", "}"}:
            raise refuse("definition.bad_number_pattern", pattern=pattern)
        self._pattern = pattern
        self._width = len(places[0])
        self._reader = re.compile("".join(map(self._reading, _PART.split(pattern))), re.ASCII)

    @staticmethod
    def _reading(part: str) -> str:
        known = {"yyyy": r"\d{4}", "yy": r"\d{2}", "mm": r"\d{2}", "dd": r"\d{2}"}
        return known.get(part) or (r"(\d{1,15})" if part and not part.strip("0") else re.escape(part))

    def frame(self, day: date) -> str:
        """What stands around the counter on a day."""
        texts = {"yyyy": f"{day:%Y}", "yy": f"{day:%y}", "mm": f"{day:%m}", "dd": f"{day:%d}"}
        return _PART.sub(lambda part: texts.get(part[1], _PLACE), self._pattern)

    def number(self, frame: str, count: int) -> str:
        """The number of a counter within a frame."""
        return frame.replace(_PLACE, f"{count:0{self._width}d}")

    def counted(self, text: str) -> tuple[str, int] | None:
        """The frame and counter of a number in this pattern; None for one that follows another."""
        found = self._reader.fullmatch(text)
        if found is None:
            return None
        start, stop = found.span(1)
        return f"{text[:start]}{_PLACE}{text[stop:]}", int(found[1])


class Autonumber(FieldKind):
    """A number given to each new record: `x-pattern` of text, `{yyyy}`, `{yy}`, `{mm}`, `{dd}` and one counter such as `{0000}`.

    It is unique and nobody writes it; only an import may bring numbers along, and the counter goes on behind them.
    """

    id = "autonumber"
    view = "text"
    assigned = True
    ordered = True
    schema: Mapping[str, Any] = {
        "properties": {"x-pattern": {"type": "string", "minLength": 1, "maxLength": 40}}
    }
    merge: Mapping[str, str] = {"x-pattern": "mergeable"}

    def bind(self, field_id: str, spec: Spec) -> AutonumberCodec:
        """The codec of one number field."""
        return AutonumberCodec(spec)
