"""Structure: every definition against its closed schema, each violation as a problem with file and pointer."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import jsonschema
import jsonschema_rs

from dacheng.metadata import builtin
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem

REFUSED_KEYS = frozenset(
    [
        "$ref",
        "$dynamicRef",
        "$id",
        "$anchor",
        "$defs",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "format",
        "multipleOf",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
    ]
)
MAX_PROBLEMS = 200
Step = str | int


def pointer_of(path: tuple[Step, ...] | list[Step]) -> str:
    """A JSON pointer from steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


class Shape:
    """One closed schema: a fast yes or no, and precise problems for a no."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = dict(schema)
        self._fast = jsonschema_rs.Draft202012Validator(self.schema)

    @cached_property
    def _precise(self) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(self.schema)

    def problems(self, value: Any, prefix: str, file: str) -> list[Problem]:
        """Every violation of `value`, pointers below `prefix`."""
        try:
            if self._fast.is_valid(value):
                return []
        except (ValueError, TypeError, OverflowError):
            pass  # a value the fast engine cannot take in; the precise one says what is wrong
        found = [one for error in self._precise.iter_errors(value) for one in _translate(error, prefix, file)]
        return found or [problem("definition.invalid", prefix, file)]


class Shapes:
    """All schemas of one `Kinds`, composed with those of field kinds, widgets and actions."""

    def __init__(self, kinds: Kinds) -> None:
        self.manifest = Shape(builtin.schema("app"))
        self.words = Shape(builtin.schema("labels"))
        self.items = {kind.id: Shape(kind.schema) for kind in kinds.definitions.values()}
        common = builtin.schema("property")
        self.fields = {kind.id: Shape(_joined(common, kind.schema)) for kind in kinds.fields.values()}
        self.widgets = {kind.id: Shape(kind.props_schema) for kind in kinds.widgets.values()}
        then = {"properties": {"action": {"type": "string"}, "order": {"type": "integer"}}, "type": "object"}
        self.actions = {kind.id: Shape(_joined(then, kind.schema)) for kind in kinds.actions.values()}


_SHAPES: dict[str, Shapes] = {}


def shapes(kinds: Kinds) -> Shapes:
    """The shapes of a `Kinds`, made once per its hash."""
    found = _SHAPES.get(kinds.hash)
    if found is None:
        found = _SHAPES[kinds.hash] = Shapes(kinds)
        while len(_SHAPES) > 8:
            del _SHAPES[next(iter(_SHAPES))]
    return found


def _joined(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**common["properties"], **own.get("properties", {})},
        "required": [*common.get("required", ()), *own.get("required", ())],
    }


def check_structure(package: Package, kinds: Kinds) -> list[Problem]:
    """Every violation of a closed schema in the whole package."""
    all_shapes = shapes(kinds)
    found = list(all_shapes.manifest.problems(package.manifest, "", "app.json"))
    for locale in {**package.labels, **package.terms}:
        words = {"labels": package.labels.get(locale, {}), "terms": package.terms.get(locale, {})}
        found += all_shapes.words.problems(words, "", f"labels/{locale}.json")
    for (kind, item_id), item in package.items.items():
        file = package.files.get((kind, item_id), f"{kind}/{item_id}.json")
        shape = all_shapes.items.get(kind)
        if shape is None:
            found.append(problem("definition.unknown_kind", "", file, kind=kind))
            continue
        mistakes = shape.problems(item, "", file)
        if not mistakes:
            mistakes = list(_inside(kind, item, file, all_shapes))
        if not mistakes and item.get("id") != item_id:
            mistakes = [problem("package.id_is_not_file", "/id", file, id=item.get("id"), stem=item_id)]
        found += mistakes
    return found[:MAX_PROBLEMS]


def _inside(kind: str, item: Mapping[str, Any], file: str, all_shapes: Shapes) -> Iterator[Problem]:
    if kind == "entity":
        for field, spec in item["properties"].items():
            yield from _part(all_shapes.fields, spec, "x-kind", f"/properties/{field}", file)
    elif kind == "dashboard":
        for widget, body in item["widgets"].items():
            props = {**body.get("props", {})}
            yield from _part(
                all_shapes.widgets, props, str(body["kind"]), f"/widgets/{widget}", file, "/props"
            )
    elif kind == "rule":
        for action, body in item["then"].items():
            yield from _part(all_shapes.actions, body, "action", f"/then/{action}", file)


def _part(
    known: Mapping[str, Shape], body: Mapping[str, Any], key: str, pointer: str, file: str, below: str = ""
) -> Iterator[Problem]:
    name = str(key if below else body[key])
    shape = known.get(name)
    if shape is None:
        where = f"{pointer}/kind" if below else f"{pointer}/{key}"
        yield problem("definition.unknown_name", where, file, name=name, known=_nearest(name, known))
    else:
        yield from shape.problems(body, pointer + below, file)


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name[:60], [str(k) for k in known], n=1, cutoff=0.6)
    return close[0] if close else ", ".join(sorted(str(k) for k in known))


def _translate(error: jsonschema.ValidationError, prefix: str, file: str) -> Iterator[Problem]:
    where = prefix + pointer_of(list(error.absolute_path))
    rule = str(error.validator)
    wanted: Any = error.validator_value
    value: Any = error.instance
    if rule == "additionalProperties" and wanted is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for key in [key for key in value if key not in known][:20]:
            yield _unknown_key(str(key), known, f"{where}{pointer_of([str(key)])}", file)
    elif rule == "pattern":
        if "propertyNames" in error.absolute_schema_path:
            where += pointer_of([str(value)])
        yield problem("definition.bad_id", where, file, id=value)
    elif rule == "required":
        for key in [key for key in wanted if key not in value]:
            yield problem("definition.missing_key", where, file, key=key)
    elif rule == "type":
        yield problem(
            "definition.wrong_type",
            where,
            file,
            expected=wanted if isinstance(wanted, str) else " / ".join(wanted),
        )
    elif rule in ("enum", "const"):
        allowed = ", ".join(str(v) for v in (wanted if rule == "enum" else [wanted]))
        yield problem("definition.not_one_of", where, file, value=value, allowed=allowed)
    else:
        yield problem("definition.out_of_range", where, file, rule=rule, limit=wanted)


def _unknown_key(key: str, known: Mapping[str, Any], where: str, file: str) -> Problem:
    if key in REFUSED_KEYS or key.startswith(("dependent", "$")):
        return problem("definition.refused_key", where, file, key=key)
    close = difflib.get_close_matches(key[:60], list(known), n=1, cutoff=0.6)
    if close:
        return problem("definition.unknown_key_near", where, file, key=key, near=close[0])
    return problem("definition.unknown_key", where, file, key=key, known=", ".join(sorted(known)))
