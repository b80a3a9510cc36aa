"""Which column of a file fills which field and how: suggested by name, stated in JSON, checked as a whole."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.context import System
from dacheng.runtime.services.work import Work

MISSING = ("error", "create", "empty")
HISTORIC_FIELDS = frozenset({"created_at", "updated_at", "created_by", "updated_by"})
_KEYS = frozenset({"column", "value", "values", "match", "missing", "format"})


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One field: the column it comes from (or one `value` for all rows), and how its texts are read.

    `values` replaces texts; `match` is the field a link's text is looked up in, `missing` what happens when
    it is not found; `format` is a `strptime` pattern for dates and times.
    """

    field: str
    column: str = ""
    value: Json = None
    values: Mapping[str, str | None] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    match: str = ""
    missing: str = "error"
    format: str = ""


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """How one file becomes records of one entity; with `key` rows update the record that has its value.

    `within` is a link by which the key is told apart: a receipt number is unique within its store.
    """

    columns: tuple[ColumnMap, ...]
    key: str = ""
    historic: bool = False
    rules: bool = True
    within: str = ""

    def json(self) -> dict[str, Any]:
        """The mapping as it is written to files and kept with the import."""
        return {
            "columns": {each.field: _column_json(each) for each in self.columns},
            **({"key": self.key} if self.key else {}),
            "historic": self.historic,
            "rules": self.rules,
        }


def fillable(work: Work, entity: str, *, historic: bool) -> Mapping[str, Field]:
    """The fields that an import by this actor may fill, in order."""
    policy = work.entity(entity)
    names = policy.writable | policy.assigned | (HISTORIC_FIELDS if historic else frozenset())
    return {
        name: each
        for name, each in policy.entity.fields.items()
        if name in names and not each.is_lines and not each.derived
    }


def suggest_mapping(work: Work, entity: str, header: Sequence[str]) -> ImportMapping:
    """Columns whose name is a field's id or its label in any language; links are matched by title."""
    fields = fillable(work, entity, historic=False)
    by_name: dict[str, str] = {}
    for name, each in fields.items():
        for text in (name, *labels_of(work, each)):
            by_name.setdefault(plain_name(text), name)
    columns: dict[str, ColumnMap] = {}
    for column in header:
        found = column if column in fields else by_name.get(plain_name(column))
        if found is not None and found not in columns and may_be_found(work, fields[found]):
            columns[found] = ColumnMap(found, column, match=title_of(work, fields[found]))
    return ImportMapping(tuple(columns.values()))


def parse_mapping(
    work: Work, entity: str, header: Sequence[str], raw: Json, *, rules: bool = True, historic: bool = False
) -> ImportMapping:
    """A mapping as sent, held against the entity and the file; raises every problem at once."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("columns"), Mapping):
        raise Refused([problem("import.mapping_invalid", "/columns", reason="columns must be an object")])
    problems: list[Problem] = [
        problem("import.mapping_invalid", f"/{key}", reason=f"unknown key {key}")
        for key in raw
        if key not in ("columns", "key", "historic", "rules")
    ]
    past = historic or raw.get("historic") is True
    fields = fillable(work, entity, historic=past)
    columns = []
    for name, spec in raw["columns"].items():
        if name not in fields:
            known = ", ".join(fields)
            problems.append(problem("import.unknown_field", f"/columns/{name}", name=name, known=known))
            continue
        made = _column(work, fields[name], spec, header, problems)
        if made is not None:
            columns.append(made)
    key = raw.get("key") or ""
    if key and key not in {each.field for each in columns}:
        problems.append(problem("import.mapping_invalid", "/key", reason="the key must be a mapped field"))
    if not columns and not problems:
        problems.append(problem("import.nothing_mapped", "/columns"))
    if problems:
        raise Refused(problems)
    within = _within(work, entity, str(key), {each.field for each in columns})
    return ImportMapping(tuple(columns), str(key), past, rules and raw.get("rules") is not False, within)


def _within(work: Work, entity: str, key: str, mapped: Set[str]) -> str:
    """The mapped link that a key is unique with, where it is not by itself."""
    made = work.entity(entity).entity
    if not key or made.fields[key].unique:
        return ""
    pairs = [set(group) - {key} for group in made.unique_together if key in group and len(group) == 2]
    links = {name for pair in pairs for name in pair if made.fields[name].is_link}
    return next(iter(sorted(links & mapped)), "")


def demand_modes(work: Work, mapping: ImportMapping) -> None:
    """Refuse historic mode, and an import without rules, to all but administrators: asked again whenever it goes on."""
    if work.policy.admin or isinstance(work.context.actor, System):
        return
    if mapping.historic:
        raise refuse("import.historic_not_permitted")
    if not mapping.rules:
        raise refuse("import.rules_not_permitted")


def _column(
    work: Work, target: Field, spec: Json, header: Sequence[str], problems: list[Problem]
) -> ColumnMap | None:
    pointer = f"/columns/{target.id}"
    given: Mapping[str, Any] = {"column": spec} if isinstance(spec, str) else spec
    wrong = _wrong_shape(given)
    if wrong:
        problems.append(problem("import.mapping_invalid", pointer, reason=wrong))
        return None
    column = given.get("column", "")
    if column and column not in header:
        known = ", ".join(header)
        problems.append(problem("import.unknown_column", f"{pointer}/column", name=column, known=known))
        return None
    match = given.get("match", "")
    if target.leads_to_records:
        match = match or title_of(work, target)
        policy = work.policy.entity(target.to or "")
        by = policy.readable.get(match) if policy is not None else None
        if by is None or by.virtual or not by.codec.columns:
            problems.append(problem("import.unknown_field", f"{pointer}/match", name=match, known=""))
            return None
    return ColumnMap(
        target.id,
        column,
        given.get("value"),
        MappingProxyType({str(k): v for k, v in given.get("values", {}).items()}),
        match,
        given.get("missing", "error"),
        given.get("format", ""),
    )


def _wrong_shape(given: Any) -> str:
    """What does not fit about one column's object, in a few words; empty when it fits."""
    if not isinstance(given, Mapping) or not set(given) <= _KEYS:
        return f"known keys are {', '.join(sorted(_KEYS))}"
    if not all(isinstance(given.get(key, ""), str) for key in ("column", "match", "missing", "format")):
        return "column, match, missing and format are texts"
    if ("value" in given) == bool(given.get("column")):
        return "name a column, or give one value for all rows"
    replaced = given.get("values", {})
    if not isinstance(replaced, Mapping) or not all(
        text is None or isinstance(text, str) for text in replaced.values()
    ):
        return "values maps texts to texts or null"
    if given.get("missing", "error") not in MISSING:
        return f"missing is one of {', '.join(MISSING)}"
    return _wrong_format(given.get("format", ""))


def _wrong_format(pattern: str) -> str:
    try:
        datetime(2026, 1, 31).strftime(pattern)  # noqa: DTZ001 - only the pattern is looked at
    except ValueError:
        return "format is not a date pattern"
    return ""


def _column_json(each: ColumnMap) -> dict[str, Any]:
    body: dict[str, Any] = {"column": each.column} if each.column else {"value": each.value}
    if each.values:
        body["values"] = dict(each.values)
    if each.match:
        body |= {"match": each.match, "missing": each.missing}
    if each.format:
        body["format"] = each.format
    return body


def labels_of(work: Work, target: Field) -> list[str]:
    """A field's label in every language of its app."""
    app = target.entity.split(".", 1)[0]
    locales = work.model.catalogue.apps[app].locales
    return [work.model.labels.field(locale, target) for locale in locales]


def title_of(work: Work, link: Field) -> str:
    """The field that the records a link leads to are looked up by: their title, where that may be read; else empty."""
    found = work.policy.entity(link.to or "") if link.leads_to_records else None
    return found.title.id if found is not None and found.title is not None else ""


def may_be_found(work: Work, target: Field) -> bool:
    """Whether texts of a column can be looked up in this field: of a link whose title is hidden none can."""
    return not target.leads_to_records or title_of(work, target) != ""


def plain_name(text: str) -> str:
    """A name without case, width, blanks and marks: what people mean when they type a heading."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())
