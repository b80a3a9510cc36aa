"""Which records a link offers: a condition on them that names fields of the record with the link as `$record.…`."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json

KEY = "x-candidates"
DEPENDS = "x-depends-on"
_RECORD = "$record."


def asked(condition: Json) -> frozenset[str]:
    """The fields of the own record that a condition names."""
    return frozenset(_asked(condition))


def filled(condition: Json, values: Mapping[str, Json]) -> Json:
    """The condition with the own record's values in it; None where one of them is missing: then nothing is narrowed."""
    if any(values.get(name) in (None, "") for name in _asked(condition)):
        return None
    return _filled(condition, values)


def without_unseen(field: Field, seen: Container[str]) -> Field:
    """A choice or link that says nothing of the fields which narrow it, where one of those is not seen."""
    names = asked(field.spec.get(KEY)) | ({field.depends_on} - {None})
    if all(name in seen for name in names):
        return field
    spec = {key: each for key, each in field.spec.items() if key not in (KEY, DEPENDS)}
    return replace(field, spec=MappingProxyType(spec))


def _asked(condition: Json) -> Iterator[str]:
    name = _named(condition)
    if name is not None:
        yield name
    elif isinstance(condition, Mapping):
        for each in condition.values():
            yield from _asked(each)
    elif isinstance(condition, list | tuple):
        for each in condition:
            yield from _asked(each)


def _filled(condition: Json, values: Mapping[str, Json]) -> Any:
    name = _named(condition)
    if name is not None:
        return values[name]
    if isinstance(condition, Mapping):
        return {key: _filled(each, values) for key, each in condition.items()}
    if isinstance(condition, list | tuple):
        return [_filled(each, values) for each in condition]
    return condition


def _named(condition: Json) -> str | None:
    """The own record's field that a variable names; None for everything else."""
    path = condition.get("var") if isinstance(condition, Mapping) and len(condition) == 1 else None
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    return path.removeprefix(_RECORD) if isinstance(path, str) and path.startswith(_RECORD) else None
