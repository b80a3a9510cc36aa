"""Lines: the rows of a child entity that live and die with their record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from dacheng.metadata.expression import NUMBER
from dacheng.metadata.field_kinds.link import ID_PATTERN
from dacheng.metadata.kinds import Codec, FieldKind, Json, Shape, Spec
from dacheng.metadata.problem import Problem, Refused, problem, refuse

MAX_LINES = 500


class LineField(Protocol):
    """What lines need to know of a field of their rows."""

    @property
    def codec(self) -> Codec:
        """The field's codec."""


class LinesCodec:
    """Lines bound to one field: a tuple of mappings field → typed value, `id` kept where a row has one.

    `attach` gives it the child's fields once they are compiled; it has no columns of its own.
    """

    def __init__(self, spec: Spec) -> None:
        self.columns = ()
        self.type = NUMBER
        self.limit = int(spec.get("maxItems", MAX_LINES))
        self.fields: Mapping[str, LineField] = MappingProxyType({})
        self.shown: Mapping[str, LineField] = MappingProxyType({})
        self.value_schema: Mapping[str, Any] = {"type": "array", "maxItems": self.limit}

    def attach(
        self,
        fields: Mapping[str, LineField],
        row_schema: Mapping[str, Any],
        computed: Mapping[str, LineField] = MappingProxyType({}),
    ) -> None:
        """Bind the child's writable fields and those computed from them; called once, while the app is compiled."""
        self.fields = fields
        self.shown = MappingProxyType({**fields, **computed})
        keys = {"id": {"type": "string", "pattern": ID_PATTERN}, **row_schema["properties"]}
        self.value_schema = {**self.value_schema, "items": {**row_schema, "properties": keys}}

    def parse(self, raw: Json) -> tuple[Mapping[str, Any], ...] | None:
        """A list of objects → typed rows; every problem of every row, each with its pointer."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, list | tuple):
            raise refuse("value.not_lines")
        if len(raw) > self.limit:
            raise refuse("value.too_many_lines", limit=self.limit)
        problems: list[Problem] = []
        rows = tuple(self._row(row, f"/{index}", problems) for index, row in enumerate(raw))
        if problems:
            raise Refused(problems)
        return rows

    def _row(self, raw: Json, pointer: str, problems: list[Problem]) -> Mapping[str, Any]:
        row: dict[str, Any] = {}
        if not isinstance(raw, Mapping):
            problems.append(problem("value.not_lines", pointer))
            return row
        for key, value in raw.items():
            field = self.fields.get(key)
            if key == "id" and value:
                row[key] = value
            elif field is not None:
                try:
                    row[key] = field.codec.parse(value)
                except Refused as refused:
                    problems.extend(found.at(f"{pointer}/{key}") for found in refused.problems)
            elif key != "id":
                problems.append(problem("value.unknown_field", f"{pointer}/{key}", field=key))
        return row

    def parse_text(self, text: str) -> tuple[Mapping[str, Any], ...] | None:
        """Lines cannot be typed as one text; empty is missing."""
        if text.strip():
            raise refuse("value.not_lines")
        return None

    def store(self, value: Any) -> tuple[Any, ...]:
        """Nothing: rows are records of the child."""
        return ()

    def load(self, stored: Sequence[Any]) -> tuple[Mapping[str, Any], ...] | None:
        """Nothing: rows are records of the child."""
        return None

    def json(self, value: Sequence[Mapping[str, Any]] | None) -> Json:
        """A list of objects, each field as its kind writes it."""
        if value is None:
            return None
        return [
            {
                key: self.shown[key].codec.json(cell) if key in self.shown else cell
                for key, cell in row.items()
            }
            for row in value
        ]

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Nothing: rows are records of the child."""
        return None

    def text(self, value: Sequence[Mapping[str, Any]] | None) -> str:
        """How many rows there are."""
        return str(len(value)) if value else ""

    def operand(self, value: Sequence[Mapping[str, Any]] | None) -> Any:
        """The rows as expressions see them."""
        rows = value or ()
        return [
            {
                key: self.shown[key].codec.operand(cell) if key in self.shown else cell
                for key, cell in row.items()
            }
            for row in rows
        ]


class Lines(FieldKind):
    """The rows of the child entity `x-entity`, at most `maxItems` (500) of them. A new record starts with `x-rows`, such
    as the checks of an inspection, unless it is sent with lines of its own."""

    id = "lines"
    shape = Shape.LINES
    schema: Mapping[str, Any] = {
        "required": ["x-entity"],
        "properties": {
            "x-entity": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 30},
            "maxItems": {"type": "integer", "minimum": 1, "maximum": MAX_LINES},
            "x-rows": {"type": "array", "minItems": 1, "maxItems": MAX_LINES, "items": {"type": "object"}},
        },
    }
    merge: Mapping[str, str] = {"x-entity": "locked", "x-rows": "mergeable"}

    def bind(self, field_id: str, spec: Spec) -> LinesCodec:
        """The codec of one lines field, before its child is attached."""
        return LinesCodec(spec)
