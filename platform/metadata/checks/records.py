"""Rules on the records that come with a package: each value is one its field takes, each link finds its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dacheng.metadata.definition import CompiledApp, Entity, Field
from dacheng.metadata.field_kinds.lines import LinesCodec
from dacheng.metadata.problem import Problem, Refused, problem

MAX_PROBLEMS = 100


class _Keys:
    """The keys of all data sets of an app, by entity."""

    def __init__(self, app: CompiledApp) -> None:
        self.by_entity: dict[str, set[str]] = {}
        for item in app.data.values():
            ref = _full(app, item["entity"])
            if item.get("key") is not None:
                found = self.by_entity.setdefault(ref, set())
                found.update(str(record.get(item["key"])) for record in item["records"])

    def has(self, entity: str | None, key: Any) -> bool:
        return str(key) in self.by_entity.get(entity or "", ())


def _full(app: CompiledApp, name: str) -> str:
    return name if "." in name else f"{app.id}.{name}"


def check_records(app: CompiledApp, others: Mapping[str, CompiledApp]) -> list[Problem]:
    """Every record that would be refused, with its pointer; the app has compiled."""
    keys = _Keys(app)
    found: list[Problem] = []
    for data, item in app.data.items():
        owner, _, name = _full(app, item["entity"]).partition(".")
        entity = (app if owner == app.id else others[owner]).entities[name]
        for index, record in enumerate(item["records"]):
            found += _record(entity, record, f"/records/{index}", f"data/{data}.json", keys)
            if len(found) >= MAX_PROBLEMS:
                return found
    return found


def _record(
    entity: Entity, record: Mapping[str, Any], where: str, file: str, keys: _Keys
) -> Iterator[Problem]:
    for key, value in record.items():
        field = entity.fields.get(key)
        if field is None or field.derived or (field.system and key not in ("owner", "created_at")):
            yield problem("definition.no_field", f"{where}/{key}", file, field=key)
        else:
            yield from _value(field, value, f"{where}/{key}", file, keys)
    for field in entity.fields.values():
        if (
            field.required
            and not field.derived
            and field.default is None
            and record.get(field.id) in (None, "")
        ):
            yield problem("definition.missing_key", where, file, key=field.id)


def _value(field: Field, value: Any, where: str, file: str, keys: _Keys) -> Iterator[Problem]:
    if field.is_link and isinstance(value, Mapping):
        if set(value) != {"key"} or not keys.has(field.to, value["key"]):
            yield problem("definition.no_record", where, file, entity=field.to, key=value.get("key", ""))
        return
    if field.is_links and isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for index, each in enumerate(value):
            if not isinstance(each, Mapping) or set(each) != {"key"} or not keys.has(field.to, each["key"]):
                key = each.get("key", "") if isinstance(each, Mapping) else each
                yield problem("definition.no_record", f"{where}/{index}", file, entity=field.to, key=key)
        return
    if isinstance(field.codec, LinesCodec) and isinstance(value, list):
        for index, row in enumerate(value):
            cells = row.items() if isinstance(row, Mapping) else ()
            for key, cell in cells:
                column = field.codec.fields.get(key)
                if isinstance(column, Field):
                    yield from _value(column, cell, f"{where}/{index}/{key}", file, keys)
                else:
                    yield problem("definition.no_field", f"{where}/{index}/{key}", file, field=key)
        return
    try:
        field.codec.parse(value)
    except Refused as refused:
        for one in refused.problems:
            yield problem("definition.bad_value", where + one.pointer, file, reason=one.message)
