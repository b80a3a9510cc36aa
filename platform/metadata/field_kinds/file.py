"""File: one or several files, each uploaded before; the record holds their ids and what is told of them in lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from dacheng.metadata.field_kinds.file_types import GROUPS, UNKNOWN, types_of
from dacheng.metadata.field_kinds.link import ID_PATTERN
from dacheng.metadata.field_kinds.text_list import LISTED, items_of, written
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Shape, Spec
from dacheng.metadata.problem import refuse

MAX_FILES = 20
MAX_BYTES = 50_000_000
NAME_LENGTH = 200
_ID = re.compile(ID_PATTERN.strip("^$"), re.ASCII)
_NAMED = re.compile(r"<([0-9a-f-]{36})>", re.ASCII)
_KEYS = frozenset({"id", "name", "type", "size"})


@dataclass(frozen=True, slots=True)
class FileRef:
    """One file as a record holds it. Its id alone makes it what it is; the rest is filled in where it is saved."""

    id: str
    name: str = field(default="", compare=False)
    type: str = field(default=UNKNOWN, compare=False)
    size: int = field(default=0, compare=False)


class FilesCodec:
    """Files bound to one field: a `tuple` of `FileRef`; columns: the ids, and names, types and sizes beside them.

    `accepts` are the types that may be saved (all, when empty), `largest` the bytes of one file, `source`
    where a file must come from (`camera`), or empty.
    """

    columns = (ColumnSpec(Primitive.JSON), ColumnSpec(Primitive.JSON, "_about"))
    type = LISTED

    def __init__(self, spec: Spec, groups: Sequence[str] = (), source: str = "", limit: int = 1) -> None:
        self.groups = tuple(groups or spec.get("x-accept", ()))
        self.accepts = types_of(self.groups)
        self.source = source
        self.limit = int(spec.get("x-files", limit))
        self.largest = int(spec.get("x-bytes", MAX_BYTES))
        shape = {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string", "pattern": ID_PATTERN},
                "name": {"type": "string"},
                "type": {"type": "string"},
                "size": {"type": "integer"},
            },
        }
        entry = {"anyOf": [{"type": "string", "pattern": ID_PATTERN}, shape]}
        self.value_schema: Mapping[str, Any] = {"type": "array", "maxItems": self.limit, "items": entry}

    def narrowed(self, largest: int, limit: int) -> FilesCodec:
        """The same, for files of at most so many bytes and at most so many of them."""
        found = copy(self)
        found.largest, found.limit = min(self.largest, largest), min(self.limit, limit)
        return found

    def parse(self, raw: Json) -> tuple[FileRef, ...] | None:
        """Ids, or objects with an `id`, in a list or one alone → the files, each once."""
        if raw is None or raw == "":
            return None
        given = raw if isinstance(raw, list | tuple) else [raw]
        found = tuple({each.id: each for each in map(_file, given)}.values())
        if len(found) > self.limit:
            raise refuse("value.too_many_items", limit=self.limit, count=len(found))
        return found or None

    def parse_text(self, text: str) -> tuple[FileRef, ...] | None:
        """`name <id>`, several with `;` between, as `text` writes them; an id alone will do."""
        if not text.strip():
            return None
        found = _NAMED.findall(text) or [part.strip() for part in text.split(";") if part.strip()]
        return self.parse(found)

    def store(self, value: Sequence[FileRef] | None) -> tuple[Any, ...]:
        """Ids, and what is told of each."""
        if value is None:
            return (None, None)
        about = ({"name": each.name, "type": each.type, "size": each.size} for each in value)
        return (written(each.id for each in value), written(about))

    def load(self, stored: Sequence[Any]) -> tuple[FileRef, ...] | None:
        """Both lists side by side."""
        if stored[0] is None:
            return None
        pairs = zip(items_of(stored[0]), items_of(stored[1]), strict=True)
        return tuple(FileRef(ident, about["name"], about["type"], about["size"]) for ident, about in pairs)

    def json(self, value: Sequence[FileRef] | None) -> Json:
        """Objects with `id`, `name`, `type` and `size`."""
        if value is None:
            return None
        return [{"id": each.id, "name": each.name, "type": each.type, "size": each.size} for each in value]

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Objects with `id`, `name`, `type` and `size`."""
        return self.json(self.load(stored))

    def text(self, value: Sequence[FileRef] | None) -> str:
        """`name <id>`, with `; ` between."""
        return "; ".join(f"{each.name} <{each.id}>".strip() for each in value or ())

    def operand(self, value: Sequence[FileRef] | None) -> Any:
        """The ids."""
        return tuple(each.id for each in value or ())


def _file(raw: Json) -> FileRef:
    entry = {"id": raw} if isinstance(raw, str) else raw
    if not isinstance(entry, Mapping) or not entry.keys() <= _KEYS:
        raise refuse("value.not_files")
    ident, name, kind, size = (entry.get(key) for key in ("id", "name", "type", "size"))
    if not isinstance(ident, str) or not _ID.fullmatch(ident):
        raise refuse("value.not_files")
    known = isinstance(name, str) and isinstance(kind, str) and isinstance(size, int)
    return (
        FileRef(ident, str(name)[:NAME_LENGTH], str(kind)[:100], int(size or 0)) if known else FileRef(ident)
    )


LIMITS: Mapping[str, Any] = {
    "x-files": {"type": "integer", "minimum": 1, "maximum": MAX_FILES},
    "x-bytes": {"type": "integer", "minimum": 1000, "maximum": MAX_BYTES},
}


class File(FieldKind):
    """One file, or up to `x-files` of them, of the groups `x-accept` (any, unless said), each of at most `x-bytes`."""

    id = "file"
    shape = Shape.FILES
    sortable = False
    schema: Mapping[str, Any] = {
        "properties": {
            **LIMITS,
            "x-accept": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": sorted(GROUPS)},
            },
        }
    }

    def bind(self, field_id: str, spec: Spec) -> FilesCodec:
        """The codec of one file field."""
        return FilesCodec(spec)
