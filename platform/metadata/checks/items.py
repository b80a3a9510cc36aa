"""Rules on forms, lists, measures, dashboards, roles, navigation and data: nothing they name is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dacheng.metadata.checks.world import Target, World
from dacheng.metadata.kinds import Kinds, Primitive
from dacheng.metadata.problem import Problem, problem
from dacheng.metadata.system_fields import CORE, USER

NOT_ON_FORMS = frozenset(
    ["id", "version", "created_at", "updated_at", "created_by", "updated_by", "department"]
)


def entities_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Every item that names an entity names one that exists here or in a required app."""
    for kind in ("form", "list", "measure", "workflow", "rule", "match", "data"):
        for _, item, file in world.items(kind):
            if not world.has_entity(item["entity"]):
                yield problem("definition.no_entity", "/entity", file, entity=item["entity"])


def one_default_each(world: World, kinds: Kinds) -> Iterator[Problem]:
    """An entity has at most one default form and one default list."""
    for kind in ("form", "list"):
        seen: set[str] = set()
        for _, item, file in world.items(kind):
            entity = world.full(item["entity"])
            if item.get("default") and entity in seen:
                yield problem("definition.second_default", "/default", file, entity=entity)
            if item.get("default"):
                seen.add(entity)


def form_fields_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A form's fields are fields of its entity that people may see there, each once."""
    for _, item, file in world.items("form"):
        fields = world.fields(item["entity"])
        seen: set[str] = set()
        for section, body in item["sections"].items() if fields is not None else ():
            for field in body["fields"]:
                where = f"/sections/{section}/fields/{field}"
                own = fields is not None and field in fields
                derived = field in NOT_ON_FORMS and field not in _own(world, item["entity"])
                if not own or derived:
                    yield problem("definition.no_field", where, file, field=field)
                if field in seen:
                    yield problem("definition.field_twice", where, file, field=field)
                seen.add(field)


def _own(world: World, entity: str) -> Iterable[str]:
    app, _, name = world.full(entity).partition(".")
    if app == world.app:
        return world.entities[name]["properties"]  # type: ignore[no-any-return]
    return [field.id for field in world.others[app].entities[name].fields.values() if not field.system]


def list_paths_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Columns, sort keys and quick filters of a list are paths that end in a field."""
    for _, item, file in world.items("list"):
        entity = item["entity"]
        if not world.has_entity(entity):
            continue
        for column, body in item["columns"].items():
            path = body.get("path", column)
            if world.path(entity, path) is None:
                yield problem("definition.no_field", f"/columns/{column}", file, field=path)
        for index, sort in enumerate(item.get("sort", ())):
            target = world.path(entity, sort["field"])
            if target is None or target.is_lines:
                yield problem("definition.no_field", f"/sort/{index}/field", file, field=sort["field"])
        for index, path in enumerate(item.get("filters", ())):
            if world.path(entity, path) is None:
                yield problem("definition.no_field", f"/filters/{index}", file, field=path)
        for index, path in enumerate(item.get("group", ())):
            target = world.path(entity, path)
            if target is None or target.is_lines:
                yield problem("definition.no_field", f"/group/{index}", file, field=path)


def lists_stand_on_a_field(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A board stands on a choice field of its entity, a calendar on a day or an instant."""
    for _, item, file in world.items("list"):
        kind, field = item.get("kind", "table"), item.get("on")
        fields = world.fields(item["entity"])
        if fields is None or kind == "table":
            continue
        if field is None:
            yield problem("definition.missing_key", "", file, key="on")
            continue
        target = fields.get(field)
        if target is None:
            yield problem("definition.no_field", "/on", file, field=field)
        elif kind == "board" and (not target.options or not target.holds.sortable):
            yield problem("definition.not_a_choice", "/on", file, field=field)
        elif kind == "calendar" and not target.holds.timed:
            yield problem("definition.not_a_time", "/on", file, field=field)


def measures_can_be_reckoned(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A measure's field suits its aggregate, its time field is a day or an instant, its dimensions exist."""
    for _, item, file in world.items("measure"):
        entity = item["entity"]
        if not world.has_entity(entity):
            continue
        if item["aggregate"] == "ratio":
            yield from _ratio(world, item, file)
            continue
        yield from _measure_field(world, kinds, item, file)
        time = item.get("time_field")
        target = None if time is None else world.path(entity, time)
        if time is not None and (target is None or not target.holds.timed):
            yield problem("definition.not_a_time", "/time_field", file, field=time)
        for dimension, body in item.get("dimensions", {}).items():
            where = f"/dimensions/{dimension}"
            target = world.path(entity, body["path"])
            if target is None or target.is_lines:
                yield problem("definition.no_field", f"{where}/path", file, field=body["path"])
            elif ("grain" in body and not target.holds.timed) or (
                body.get("grain") == "hour" and not _has_hours(target)
            ):
                yield problem("definition.not_a_time", f"{where}/grain", file, field=body["path"])


def _has_hours(target: Target) -> bool:
    return target.holds.bind("at", {}).columns[0].primitive is Primitive.INSTANT


def _ratio(world: World, item: Mapping[str, Any], file: str) -> Iterator[Problem]:
    """Both measures exist and are none themselves, the records are those of the one divided; the rest is theirs."""
    for key in ("field", "filter", "time_field", "dimensions"):
        if key in item:
            yield problem("definition.not_of_a_ratio", f"/{key}", file, key=key)
    for key in ("of", "per"):
        name = item.get(key)
        found = None if name is None else world.measure(name)
        if name is None:
            yield problem("definition.missing_key", "", file, key=key)
        elif found is None or found[0] == "ratio":
            yield problem("definition.no_measure", f"/{key}", file, measure=name)
    counted = world.item("measure", item.get("of", ""))
    if counted is not None and world.full(counted["entity"]) != world.full(item["entity"]):
        yield problem(
            "definition.not_one_of", "/entity", file, value=item["entity"], allowed=counted["entity"]
        )


def _measure_field(world: World, kinds: Kinds, item: Mapping[str, Any], file: str) -> Iterator[Problem]:
    field, aggregate = item.get("field"), item["aggregate"]
    if field is None:
        if aggregate != "count":
            yield problem("definition.missing_key", "", file, key="field")
        return
    target = world.path(item["entity"], field)
    if target is None or target.is_lines:
        yield problem("definition.no_field", "/field", file, field=field)
    elif not target.holds.numeric and (
        aggregate in ("sum", "avg") or (aggregate in ("min", "max") and not target.holds.ordered)
    ):
        yield problem("definition.not_a_number", "/field", file, field=field)


def dashboards_show_measures(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Widgets name measures that exist, and a dimension that each of them has."""
    for _, item, file in world.items("dashboard"):
        yield from _roles(world, item, "", file)
        for widget, body in item["widgets"].items():
            yield from _roles(world, body, f"/widgets/{widget}", file)
            yield from _widget_measures(world, body, f"/widgets/{widget}", file)


def _roles(world: World, item: Mapping[str, Any], where: str, file: str) -> Iterator[Problem]:
    for index, role in enumerate(item.get("roles", ())):
        if not world.role(role):
            yield problem("definition.no_role", f"{where}/roles/{index}", file, role=role)


def _widget_measures(world: World, body: Mapping[str, Any], where: str, file: str) -> Iterator[Problem]:
    for index, name in enumerate(body["measures"]):
        measure = world.measure(name)
        if measure is None:
            yield problem("definition.no_measure", f"{where}/measures/{index}", file, measure=name)
            continue
        for key in ("dimension", "split"):
            wanted = body.get(key)
            if wanted is not None and wanted not in measure[1]:
                yield problem(
                    "definition.no_dimension", f"{where}/{key}", file, dimension=wanted, measure=name
                )


def roles_grant_what_exists(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Grants name entities and fields that exist; only `core` may make an admin."""
    for _, item, file in world.items("role"):
        if item.get("admin") and world.app != CORE:
            yield problem("definition.admin_role", "/admin", file)
        for entity, grant in item.get("entities", {}).items():
            fields = world.fields(entity)
            if fields is None:
                yield problem("definition.no_entity", f"/entities/{entity}", file, entity=entity)
                continue
            for field in grant.get("fields", {}):
                if field not in fields:
                    yield problem(
                        "definition.no_field", f"/entities/{entity}/fields/{field}", file, field=field
                    )


def navigation_leads_somewhere(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Navigation entries lead to an entity, dashboard or list; permissions name entities."""
    for key, entry in world.package.manifest.get("navigation", {}).items():
        for kind in ("dashboard", "list"):
            if kind in entry and world.item(kind, entry[kind]) is None:
                yield problem(
                    "definition.no_target", f"/navigation/{key}/{kind}", "app.json", target=entry[kind]
                )
        if "entity" in entry and not world.has_entity(entry["entity"]):
            yield problem(
                "definition.no_entity", f"/navigation/{key}/entity", "app.json", entity=entry["entity"]
            )
    for entity in world.package.manifest.get("permissions", {}):
        if not world.has_entity(entity):
            yield problem("definition.no_entity", f"/permissions/{entity}", "app.json", entity=entity)


def required_apps_are_there(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Each app in `requires` is installed, in at least that version with the same major number."""
    requires = world.package.manifest.get("requires", {})
    for app, wanted in requires.items():
        other = world.others.get(app)
        if app == world.app:
            yield problem("definition.requires_itself", f"/requires/{app}", "app.json", app=app)
        elif other is None:
            yield problem("definition.missing_app", f"/requires/{app}", "app.json", app=app)
        elif _numbers(other.version) < _numbers(wanted) or _numbers(other.version)[0] != _numbers(wanted)[0]:
            yield problem(
                "definition.wrong_version",
                f"/requires/{app}",
                "app.json",
                app=app,
                wanted=wanted,
                found=other.version,
            )
    if world.app != CORE and CORE not in world.others and CORE not in requires:
        yield problem("definition.missing_app", "/requires", "app.json", app=CORE)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def matches_compare_fields(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A match compares fields that are filled in, with a column of their own, discloses fields that exist, and names roles that do."""
    for _, item, file in world.items("match"):
        fields = world.fields(item["entity"])
        if fields is None:
            continue
        for key, body in item["keys"].items():
            target = fields.get(body["field"])
            if target is None or target.is_lines or target.is_link or target.kind.derived:
                yield problem("definition.no_field", f"/keys/{key}/field", file, field=body["field"])
        for index, name in enumerate(item.get("discloses", ())):
            if name not in fields or fields[name].is_lines:
                yield problem("definition.no_field", f"/discloses/{index}", file, field=name)
        for index, role in enumerate(item.get("arbiters", ())):
            if not world.role(role):
                yield problem("definition.no_role", f"/arbiters/{index}", file, role=role)
        if item.get("protection_days") and not item.get("arbiters"):
            yield problem("definition.missing_key", "", file, key="arbiters")


def data_keys_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """The key of a data set is a field of its entity that every record fills, each with another value."""
    for _, item, file in world.items("data"):
        key, fields = item.get("key"), world.fields(item["entity"])
        if key is None or fields is None:
            continue
        if key not in fields:
            yield problem("definition.no_field", "/key", file, field=key)
            continue
        seen: set[str] = set()
        for index, record in enumerate(item["records"]):
            value = record.get(key)
            if value is None or str(value) in seen:
                yield problem("definition.key_not_unique", f"/records/{index}/{key}", file, value=value)
            seen.add(str(value))


def data_makes_no_people(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A package brings no users: who may sign in is decided by the workspace alone."""
    for _, item, file in world.items("data"):
        if world.full(item["entity"]) == USER:
            yield problem("definition.no_people", "/entity", file)


def guides_lead_somewhere(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Each step of a guide counts an entity that exists, and leads to one, to a list, dashboard or page."""
    for _, item, file in world.items("guide"):
        for step, body in item["steps"].items():
            where = f"/steps/{step}"
            for part, entry in (("done", body["done"]), ("link", body["link"])):
                entity = entry.get("entity", entry.get("records", {}).get("entity"))
                if entity is not None and not world.has_entity(entity):
                    yield problem("definition.no_entity", f"{where}/{part}", file, entity=entity)
                for kind in ("dashboard", "list"):
                    if kind in entry and world.item(kind, entry[kind]) is None:
                        yield problem(
                            "definition.no_target", f"{where}/{part}/{kind}", file, target=entry[kind]
                        )


RULES = (
    guides_lead_somewhere,
    required_apps_are_there,
    entities_exist,
    one_default_each,
    form_fields_exist,
    list_paths_exist,
    lists_stand_on_a_field,
    measures_can_be_reckoned,
    dashboards_show_measures,
    roles_grant_what_exists,
    navigation_leads_somewhere,
    matches_compare_fields,
    data_keys_exist,
    data_makes_no_people,
)
