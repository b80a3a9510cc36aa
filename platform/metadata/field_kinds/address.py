"""Address: province, city and district of China by name, and the street behind them; elsewhere the street alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from dacheng.metadata.expression import TEXT, RecordOf
from dacheng.metadata.field_kinds import regions
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LONGEST = 300
PARTS = ("province", "city", "district", "street")
_TYPE = RecordOf(dict.fromkeys(("text", *PARTS), TEXT).get, "address", "text")


@dataclass(frozen=True, slots=True)
class Address:
    """One address; a part that is not known is empty."""

    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""

    @property
    def text(self) -> str:
        """The address in one line; a municipality is not said twice."""
        city = "" if self.city == self.province else self.city
        return f"{self.province}{city}{self.district}{self.street}"


class AddressCodec:
    """An address bound to one field: an `Address`; columns: the whole line, then each part.

    In expressions it stands for the line; `.province`, `.city`, `.district` and `.street` are its parts.
    """

    columns = (ColumnSpec(Primitive.TEXT), *(ColumnSpec(Primitive.TEXT, f"_{part}") for part in PARTS))
    type = _TYPE
    value_schema: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {each: {"type": "string", "maxLength": LONGEST} for each in ("text", *PARTS)},
    }

    def parse(self, raw: Json) -> Address | None:
        """An object with the parts, or one text that is taken apart; `text` beside parts is not looked at."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            return self.parse_text(raw)
        if not isinstance(raw, Mapping) or not raw or not raw.keys() <= {"text", *PARTS}:
            raise refuse("value.not_an_address")
        province, city, district, street = (_part(raw.get(each)) for each in PARTS)
        if not province:
            if city or district:
                raise refuse("value.no_such_region", name=city or district)
            return self.parse_text(street or _part(raw.get("text")))
        cities = regions.regions().get(province)
        if cities is None:
            raise refuse("value.no_such_region", name=province)
        if city and city not in cities:
            raise refuse("value.no_such_region", name=city)
        if district and district not in cities.get(city, ()):
            raise refuse("value.no_such_region", name=district)
        return Address(province, city, district, street)

    def parse_text(self, text: str) -> Address | None:
        """«浙江省杭州市西湖区文三路1号» → its parts."""
        line = _part(text)
        return Address(*regions.split(line)) if line else None

    def store(self, value: Address | None) -> tuple[Any, ...]:
        """The line and the parts."""
        if value is None:
            return (None,) * len(self.columns)
        return (value.text, *(part or None for part in astuple(value)))

    def load(self, stored: Sequence[Any]) -> Address | None:
        """The parts."""
        return None if stored[0] is None else Address(*(part or "" for part in stored[1:5]))

    def json(self, value: Address | None) -> Json:
        """An object with the line as `text`, and the parts."""
        return (
            None if value is None else {"text": value.text, **dict(zip(PARTS, astuple(value), strict=True))}
        )

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """An object with the line as `text`, and the parts."""
        return self.json(self.load(stored))

    def text(self, value: Address | None) -> str:
        """The line."""
        return "" if value is None else value.text

    def operand(self, value: Address | None) -> Any:
        """The line and the parts; one that is not known is missing."""
        told = self.json(value)
        return None if told is None else {name: part or None for name, part in told.items()}


def _part(raw: Json) -> str:
    text = " ".join(clean_text("" if raw is None else raw).split())
    if len(text) > LONGEST:
        raise refuse("value.too_long", limit=LONGEST, length=len(text))
    return text


class AddressKind(FieldKind):
    """A postal address with the administrative divisions of China."""

    id = "address"
    sortable = False

    def bind(self, field_id: str, spec: Spec) -> AddressCodec:
        """The codec of one address field."""
        return AddressCodec()
