"""Rules on entities: names, titles, links, lines, roll-ups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dacheng.metadata.checks.world import Item, World
from dacheng.metadata.kinds import Kinds, Shape
from dacheng.metadata.problem import Problem, problem
from dacheng.metadata.system_fields import reserved_names

MAX_APP, MAX_ENTITY, MAX_FIELD = 16, 30, 40


def names_fit(world: World, kinds: Kinds) -> Iterator[Problem]:
    """App, entity and field ids are short enough for one physical name on both databases."""
    if len(world.app) > MAX_APP:
        yield problem("definition.name_too_long", "/id", "app.json", name=world.app, limit=MAX_APP)
    for entity, item, file in world.items("entity"):
        if len(entity) > MAX_ENTITY:
            yield problem("definition.name_too_long", "/id", file, name=entity, limit=MAX_ENTITY)
        for field in item["properties"]:
            if len(field) > MAX_FIELD:
                yield problem(
                    "definition.name_too_long", f"/properties/{field}", file, name=field, limit=MAX_FIELD
                )


def names_are_free(world: World, kinds: Kinds) -> Iterator[Problem]:
    """No field takes the name of a system field, nor of another field's second column."""
    for _, item, file in world.items("entity"):
        taken = reserved_names(item)
        money = {
            f"{field}_currency" for field, spec in item["properties"].items() if spec["x-kind"] == "money"
        }
        for field in item["properties"]:
            if field in taken or field in money:
                yield problem("definition.reserved_name", f"/properties/{field}", file, name=field)


def titles_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """`x-title` and the fields of `x-unique` are fields of the entity."""
    for _, item, file in world.items("entity"):
        title = item.get("x-title")
        if title is not None and title not in item["properties"]:
            yield problem("definition.no_field", "/x-title", file, field=title)
        for key, fields in item.get("x-unique", {}).items():
            for index, field in enumerate(fields):
                if world.path(str(item["id"]), field) is None:
                    yield problem("definition.no_field", f"/x-unique/{key}/{index}", file, field=field)


def links_lead_somewhere(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Each link leads to an entity of this app or of one named in `requires`."""
    for _, item, file in world.items("entity"):
        for field, spec in item["properties"].items():
            kind = kinds.fields[spec["x-kind"]]
            to = kind.leads_to(spec) if kind.shape in (Shape.LINK, Shape.LINKS) else None
            if to is None or world.has_entity(to):
                continue
            app = world.full(to).split(".")[0]
            where = f"/properties/{field}/x-to"
            if app in world.reachable:
                yield problem("definition.no_entity", where, file, entity=to)
            else:
                yield problem("definition.not_required", where, file, app=app)


def lines_have_a_child(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A lines field and its child name each other; children have no lines of their own."""
    used: dict[str, str] = {}
    for entity, item, file in world.items("entity"):
        for field, spec in item["properties"].items():
            if kinds.fields[spec["x-kind"]].shape is not Shape.LINES:
                continue
            where = f"/properties/{field}/x-entity"
            child = world.entities.get(spec["x-entity"])
            if child is None:
                yield problem("definition.no_entity", where, file, entity=spec["x-entity"])
            elif child.get("x-parent") != entity or spec["x-entity"] in used:
                yield problem("definition.not_the_parent", where, file, child=spec["x-entity"], parent=entity)
            elif "x-parent" in item:
                yield problem("definition.nested_lines", where, file)
            used[spec["x-entity"]] = entity
    for entity, item, file in world.items("entity"):
        if "x-parent" in item and used.get(entity) != item["x-parent"]:
            yield problem(
                "definition.not_the_parent", "/x-parent", file, child=entity, parent=item["x-parent"]
            )


def rollups_have_a_source(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A roll-up names a lines field or a link that leads here, and a field there that its aggregate can take."""
    for entity, item, file in world.items("entity"):
        for field, spec in item["properties"].items():
            if spec["x-kind"] != "rollup":
                continue
            where = f"/properties/{field}"
            child = _counted_entity(world, kinds, entity, item, spec)
            if "x-of" in spec and "x-filter" in spec:
                yield problem("definition.rollup_filter", f"{where}/x-filter", file, field=field)
            if child is None or ("x-of" in spec and "x-from" in spec):
                key = "x-of" if "x-of" in spec else "x-from"
                yield problem("definition.no_field", f"{where}/{key}", file, field=spec.get(key, ""))
                continue
            if spec["x-aggregate"] == "count":
                continue
            source = world.path(child, spec.get("x-field", ""))
            if source is None or source.is_lines or not _can_be_summed(world, child, spec.get("x-field", "")):
                yield problem("definition.no_field", f"{where}/x-field", file, field=spec.get("x-field", ""))
            elif not source.holds.numeric and (spec["x-aggregate"] == "sum" or not source.holds.ordered):
                yield problem("definition.not_a_number", f"{where}/x-field", file, field=spec["x-field"])


def _counted_entity(world: World, kinds: Kinds, entity: str, item: Item, spec: Item) -> str | None:
    """The entity whose records a roll-up reckons with, when its lines or a link there lead to this one."""
    if "x-of" in spec:
        of = item["properties"].get(spec["x-of"])
        lines = of is not None and kinds.fields[of["x-kind"]].shape is Shape.LINES
        return str(of["x-entity"]) if of is not None and lines else None
    child, _, link = str(spec.get("x-from", "")).partition(".")
    target = world.path(child, link) if child in world.entities else None
    leads_here = target is not None and target.is_link and world.full(target.to or "") == world.full(entity)
    return child if leads_here else None


def _can_be_summed(world: World, entity: str, field: str) -> bool:
    """Whether a field there is stored with its own record: typed in, or a formula over fields that are, at no moment."""
    waiting, seen = [field], {field}
    while waiting:
        name = waiting.pop()
        target, spec = world.path(entity, name), _spec(world, entity, name)
        if target is None or (target.kind.derived and "x-expression" not in spec):
            return False
        words = set(_words(spec.get("x-expression")))
        if words & {"now", "today"}:
            return False
        fresh = {each for each in words if _is_derived(world, entity, each)}
        waiting += sorted(fresh - seen)
        seen |= fresh
    return True


def _spec(world: World, entity: str, field: str) -> Item:
    found: Item = world.entities.get(entity, {}).get("properties", {}).get(field, {})
    return found


def _is_derived(world: World, entity: str, field: str) -> bool:
    target = world.path(entity, field)
    return target is not None and target.kind.derived


def _words(raw: object) -> Iterator[str]:
    """Every operator and name in an expression as written."""
    if isinstance(raw, Mapping):
        for key, inner in raw.items():
            yield str(key)
            yield from _words(inner)
    elif isinstance(raw, list | tuple):
        for inner in raw:
            yield from _words(inner)
    elif isinstance(raw, str):
        yield raw.split(".")[0]


def keys_can_be_kept(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Only values short enough for an index are unique or indexed."""
    for _, item, file in world.items("entity"):
        for field, spec in item["properties"].items():
            for key in ("x-unique", "x-index"):
                kind = kinds.fields[spec["x-kind"]]
                if spec.get(key) and (not kind.values_as(spec).keyed or (kind.derived and key == "x-unique")):
                    where = f"/properties/{field}/{key}"
                    yield problem("definition.no_key", where, file, kind=spec["x-kind"])


RULES = (
    names_fit,
    names_are_free,
    titles_exist,
    links_lead_somewhere,
    lines_have_a_child,
    rollups_have_a_source,
    keys_can_be_kept,
)
