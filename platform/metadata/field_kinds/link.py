"""Link: the id of one record of another entity, of this app or of one it requires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dacheng.metadata.candidates import KEY
from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Shape, Spec
from dacheng.metadata.problem import refuse

ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_ID = re.compile(ID_PATTERN.strip("^$"), re.ASCII)


class LinkCodec(Verbatim):
    """A link bound to one field: the record's id as `str`; that it exists is checked where it is written."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.LINK, references=spec["x-to"], indexed=True),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": "string", "pattern": ID_PATTERN}

    def parse(self, raw: Json) -> str | None:
        """An id → the id."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str) or not _ID.fullmatch(raw):
            raise refuse("value.not_an_id", value=raw)
        return raw

    def parse_text(self, text: str) -> str | None:
        """An id, trimmed → the id."""
        return self.parse(text.strip())


class Link(FieldKind):
    """A link to one record of `x-to`; `x-on-delete` says what happens when that record is deleted.

    `x-candidates` is a condition on the records offered, in which `$record.…` names choices, texts and links of the
    record with the link: while one of those is empty, all are offered.
    """

    id = "link"
    shape = Shape.LINK
    schema: Mapping[str, Any] = {
        "required": ["x-to"],
        "properties": {
            "x-to": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$", "maxLength": 60},
            "x-on-delete": {"enum": ["restrict", "clear"]},
            KEY: {"type": "object"},
        },
    }
    merge: Mapping[str, str] = {"x-to": "locked", KEY: "owner"}

    def bind(self, field_id: str, spec: Spec) -> LinkCodec:
        """The codec of one link field; `x-to` is the full reference."""
        return LinkCodec(spec)
