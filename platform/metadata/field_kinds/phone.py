"""Phone: a number anyone in the world can dial; kept in E.164, shown as its own country writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import phonenumbers

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

HOME = "CN"
LONGEST = 40
STORED = r"^\+[1-9][0-9]{3,14}(;ext=[0-9]{1,7})?$"
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)
_EXTENSION = re.compile(r"(.*\d)\s*(?:-|转|轉|分机|;?ext[.=]?|x|#)\s*(\d{1,7})", re.ASCII | re.IGNORECASE)
_SIGNS = re.compile(r"[^\d+]", re.ASCII)
_ONLY = re.compile(r"[\d+()\-./\s#x;=转轉分机ext]+", re.IGNORECASE)


@lru_cache(maxsize=4096)
def number_from_text(text: str, region: str) -> str | None:
    """The dialled form (`+8613800138000`, `+861062345678;ext=801`) of a number as people write it; None for none."""
    plain = narrow(text)
    if not plain or len(plain) > LONGEST or not _ONLY.fullmatch(plain):
        return None
    mobile = _MOBILE.fullmatch(_SIGNS.sub("", plain)) if region == HOME else None
    if mobile:
        return f"+86{mobile[1]}"
    whole, extended = _dialled(plain, "", region), _EXTENSION.fullmatch(plain)
    if extended and (whole is None or not _is_valid(whole)):
        return _dialled(extended[1], extended[2], region) or whole
    return whole


def _dialled(text: str, extension: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    more = extension or number.extension or ""
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{dialled};ext={more}" if more else dialled


def _is_valid(dialled: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(dialled.partition(";")[0], None))


@lru_cache(maxsize=4096)
def shown_number(dialled: str, region: str) -> str:
    """A dialled form as people of a region read it: at home without the country, else with it."""
    number = phonenumbers.parse(dialled, None)
    at_home = number.country_code == phonenumbers.country_code_for_region(region)
    form = phonenumbers.PhoneNumberFormat
    plain, _, extension = dialled.partition(";ext=")
    shown = phonenumbers.format_number(
        phonenumbers.parse(plain, None), form.NATIONAL if at_home else form.INTERNATIONAL
    )
    return f"{shown}-{extension}" if extension else shown


class PhoneCodec(Verbatim):
    """A number bound to one field: E.164 as `str`, with `;ext=` behind it where there is an extension."""

    def __init__(self, spec: Spec) -> None:
        self.region = str(spec.get("x-region", HOME))
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise refuse("definition.no_region", region=self.region)
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": "string", "pattern": STORED}

    def parse(self, raw: Json) -> str | None:
        """A number in any form → E.164; without a country it is one of the field's region."""
        if raw is None or raw == "":
            return None
        found = number_from_text(clean_text(raw), self.region)
        if found is None:
            raise refuse("value.not_a_phone", value=raw)
        return found

    def parse_text(self, text: str) -> str | None:
        """What a person typed → E.164; empty is missing."""
        return self.parse(text) if narrow(text) else None

    def searched(self, stored: Sequence[Any]) -> str:
        """Every run of digits the number ends in, so that any part of it is found, spaced as it may be."""
        dialled, _, extension = str(stored[0]).partition(";ext=")
        national = re.sub(r"\D", "", shown_number(dialled, self.region))
        return " ".join([*(dialled[at:] for at in range(1, len(dialled) - 1)), national, extension])


class Phone(FieldKind):
    """A telephone number; one without a country is of `x-region` (two letters, CN unless said)."""

    id = "phone"
    schema: Mapping[str, Any] = {"properties": {"x-region": {"type": "string", "pattern": "^[A-Z]{2}$"}}}

    def bind(self, field_id: str, spec: Spec) -> PhoneCodec:
        """The codec of one phone field."""
        return PhoneCodec(spec)
