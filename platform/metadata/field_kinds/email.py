"""Email: one address; kept in small letters, so that one person's address is one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LONGEST = 254
_LOCAL = (
    r"[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+)*"
)
_LABEL = r"[a-z0-9\u0080-\U0010ffff](?:[a-z0-9\-\u0080-\U0010ffff]{0,61}[a-z0-9\u0080-\U0010ffff])?"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+{_LABEL}")


class EmailCodec(Verbatim):
    """An address bound to one field: `name@example.com` in small letters."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": "string", "minLength": 5, "maxLength": LONGEST}

    def parse(self, raw: Json) -> str | None:
        """An address → the address in small letters."""
        if raw is None or raw == "":
            return None
        return _address(clean_text(raw), raw)

    def parse_text(self, text: str) -> str | None:
        """What a person typed or pasted (full-width signs, `mailto:`) → the address; empty is missing."""
        plain = narrow(text)
        return _address(re.sub(r"^mailto:", "", plain, flags=re.IGNORECASE), text) if plain else None


def _address(text: str, raw: Json) -> str:
    low = text.strip().lower()
    local = low.rpartition("@")[0]
    if len(low) > LONGEST or len(local) > 64 or not _ADDRESS.fullmatch(low) or not low.isprintable():
        raise refuse("value.not_an_email", value=raw)
    return low


class Email(FieldKind):
    """One e-mail address."""

    id = "email"
    ordered = True

    def bind(self, field_id: str, spec: Spec) -> EmailCodec:
        """The codec of one e-mail field."""
        return EmailCodec(spec)
