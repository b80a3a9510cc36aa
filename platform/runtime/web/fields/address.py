"""Addresses: one line in lists; in forms province, city and district to choose one after the other, then the street."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.address import LONGEST, PARTS
from dacheng.metadata.field_kinds.regions import regions
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import Control, FieldView, Marks, Setting, Texts, options, symbol
from dacheng.runtime.web.fields.text import TextView


class AddressView(TextView):
    """Inputs: `name` (empty, or the line where a filter asks), and `name.province` … `name.street`."""

    verbatim = False
    grouped = True
    block = True
    scripts = ("address.js",)

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """Three selects and a line. Without scripts the whole address may be typed in the line."""
        say, arrow = setting.say, symbol(setting.icons, "down")
        words = {part: escape(say(f"address.{part}")) for part in PARTS}
        provinces = [*regions()]

        def pick(part: str, names: Iterable[str], held: str, marks: Marks) -> str:
            known = [held] if marks.readonly and held else list(names)
            pairs = [
                ("", words[part]),
                *((each, each) for each in dict.fromkeys([*known, *([held] if held else [])])),
            ]
            at = f' id="{ident}"' if part == "province" else ""
            return (
                f'<span class="select"><select class="in" name="{name}.{part}"{at} aria-label="{words[part]}" data-part="{part}">'
                f"{options(pairs, held)}</select>{arrow}</span>"
            )

        def draw(texts: Texts, marks: Marks) -> str:
            held = {part: texts.get(f"{name}.{part}", "") for part in PARTS}
            cities = regions().get(held["province"], {})
            readonly = " readonly" if marks.readonly else ""
            street = (
                f'<input class="in" name="{name}.street" value="{escape(held["street"])}" maxlength="{LONGEST}" aria-label="{words["street"]}"'
                f' placeholder="{escape(say("address.hint"))}" autocomplete="street-address"{readonly}{marks.attributes()}>'
            )
            return (
                f'<div class="address" data-address role="group" aria-labelledby="{ident}-label">'
                f"{pick('province', provinces, held['province'], marks)}{pick('city', cities, held['city'], marks)}"
                f"{pick('district', cities.get(held['city'], ()), held['district'], marks)}{street}"
                f'<input type="hidden" name="{name}" value=""></div>'
            )

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A plain line."""
        return FieldView.control(self, field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """Each part in its input."""
        held = value if isinstance(value, Mapping) else {"street": value or ""}
        return {name: "", **{f"{name}.{part}": str(held.get(part) or "") for part in PARTS}}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The parts; a line alone is taken apart."""
        parts = {part: texts.get(f"{name}.{part}", "").strip() for part in PARTS}
        line = texts.get(name, "").strip()
        if not any(parts.values()) and not line:
            return None
        try:
            return field.codec.json(field.codec.parse(parts if any(parts.values()) else line))
        except Refused:
            return parts if any(parts.values()) else line

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The whole line."""
        value = self.read(field, setting, name, texts)
        return str(value.get("text", "")) if isinstance(value, Mapping) else str(value or "")

    def operand(self, field: Field, value: Json) -> Json:
        """The line."""
        return value.get("text") if isinstance(value, Mapping) else value
