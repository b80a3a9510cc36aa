"""Forms, lists, measures, dashboards and navigation, from their JSON to what the runtime reads."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dacheng.metadata.compile.context import Compiling
from dacheng.metadata.definition import (
    Column,
    Form,
    FormField,
    ListView,
    NavItem,
    Section,
    Sort,
)
from dacheng.metadata.expression import Expression
from dacheng.metadata.measures import Dashboard, Measure, Target, Widget

Item = Mapping[str, Any]


def ordered(items: Mapping[str, Item]) -> list[tuple[str, Item]]:
    """Entries by their `order`, then by id."""
    return sorted(items.items(), key=lambda pair: (pair[1].get("order", 0), pair[0]))


def path_of(text: str) -> tuple[str, ...]:
    """`account.name` → ("account", "name")."""
    return tuple(text.split("."))


def compile_form(work: Compiling, item: Item) -> Form:
    """A form with the conditions of its fields."""
    file, entity = work.file("form", item["id"]), work.full(item["entity"])
    sections = []
    for section, body in ordered(item["sections"]):
        where = f"/sections/{section}/fields"
        shown = work.optional(body, "visible", entity, file, f"/sections/{section}")
        fields = tuple(
            _form_field(work, entity, key, _within(body, one) if shown else one, file, where)
            for key, one in ordered(body["fields"])
        )
        sections.append(Section(section, body.get("order", 0), body.get("columns", 2), fields))
    default, layout = bool(item.get("default", False)), item.get("layout", "page")
    return Form(item["id"], entity, tuple(sections), default, layout)


def _within(section: Item, field: Item) -> Item:
    """A field of a section that has a condition: it is shown where both the section and the field are."""
    both = [one["visible"] for one in (section, field) if one.get("visible") is not None]
    return {**field, "visible": both[0] if len(both) == 1 else {"and": both}}


def _form_field(work: Compiling, entity: str, key: str, body: Item, file: str, where: str) -> FormField:
    where = f"{where}/{key}"
    condition = {
        name: work.optional(body, name, entity, file, where) for name in ("visible", "required", "readonly")
    }
    default: Expression | None = None
    if body.get("default") is not None:
        wanted = work.fields(entity)[key].codec.type
        default = work.expression(body["default"], entity, file, f"{where}/default", wanted=wanted)
    return FormField(
        field=key,
        order=body.get("order", 0),
        span=body.get("span", "half"),
        visible=condition["visible"],
        required=condition["required"],
        readonly=condition["readonly"],
        default=default,
        when_hidden=body.get("when_hidden", "keep"),
    )


def compile_list(work: Compiling, item: Item) -> ListView:
    """A list with its columns as paths."""
    file, entity = work.file("list", item["id"]), work.full(item["entity"])
    columns = [
        Column(key, path_of(body.get("path", key)), body.get("order", 0))
        for key, body in ordered(item["columns"])
    ]
    sort = [Sort(path_of(one["field"]), bool(one.get("descending", False))) for one in item.get("sort", ())]
    return ListView(
        id=item["id"],
        entity=entity,
        columns=tuple(columns),
        sort=tuple(sort),
        filter=work.optional(item, "filter", entity, file, ""),
        filters=tuple(item.get("filters", ())),
        page_size=item.get("page_size", 50),
        order=item.get("order", 0),
        default=bool(item.get("default", False)),
        kind=item.get("kind", "table"),
        on=item.get("on", ""),
        group=tuple(path_of(path) for path in item.get("group", ())),
    )


def compile_measure(work: Compiling, item: Item) -> Measure:
    """A measure; a dimension's grain, when there is one, is in `grains`."""
    file, entity = work.file("measure", item["id"]), work.full(item["entity"])
    dimensions = {key: path_of(body["path"]) for key, body in sorted(item.get("dimensions", {}).items())}
    grains = {key: body["grain"] for key, body in item.get("dimensions", {}).items() if "grain" in body}
    return Measure(
        id=item["id"],
        app=work.app,
        entity=entity,
        aggregate=item["aggregate"],
        field=item.get("field"),
        filter=work.optional(item, "filter", entity, file, ""),
        time_field=item.get("time_field"),
        dimensions=MappingProxyType(dimensions),
        unit=item.get("unit", ""),
        grains=MappingProxyType(grains),
        of=work.full(item["of"]) if "of" in item else "",
        per=work.full(item["per"]) if "per" in item else "",
        percent=bool(item.get("percent", True)),
        target=_target(item.get("target")),
    )


def _target(item: Item | None) -> Target | None:
    if item is None:
        return None
    return Target(Decimal(item["value"]), item.get("per", ""), bool(item.get("at_most", False)))


def compile_dashboard(work: Compiling, item: Item) -> Dashboard:
    """A dashboard with its widgets in order; measures become full references."""
    widgets = [
        Widget(
            id=key,
            kind=body["kind"],
            order=body.get("order", 0),
            measures=tuple(work.full(name) for name in body["measures"]),
            dimension=body.get("dimension"),
            width=body.get("width", work.kinds.widgets[body["kind"]].min_width),
            props=MappingProxyType(dict(body.get("props", {}))),
            limit=body.get("limit", 20),
            split=body.get("split"),
            compare=body.get("compare", ""),
            short=bool(body.get("short", False)),
            roles=_roles(work, body),
        )
        for key, body in ordered(item["widgets"])
    ]
    filters = MappingProxyType(dict(item.get("filters", {})))
    return Dashboard(item["id"], work.app, tuple(widgets), filters, _roles(work, item))


def _roles(work: Compiling, item: Item) -> tuple[str, ...]:
    return tuple(work.full(role) for role in item.get("roles", ()))


def compile_navigation(work: Compiling) -> tuple[NavItem, ...]:
    """The app's navigation in order; an entity's target is a full reference, others are ids within the app."""
    entries = []
    for key, body in ordered(work.package.manifest.get("navigation", {})):
        kind = next(name for name in ("entity", "dashboard", "list") if name in body)
        target = work.full(body[kind]) if kind == "entity" else body[kind]
        entries.append(NavItem(kind, target, body.get("icon", "file"), key, body.get("group", "")))
    return tuple(entries)
