"""Rules on what is computed when it is read: nothing may stand on a value that no column holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dacheng.metadata.definition import CompiledApp, Entity, Field
from dacheng.metadata.problem import Problem, problem

Found = tuple[str, str, str, str]  # entity, path, pointer, file


def check_computed(app: CompiledApp, others: Mapping[str, CompiledApp]) -> list[Problem]:
    """Sorts, filters, groups and measures over fields computed when read; the app has compiled."""
    entities = {each.ref: each for one in (*others.values(), app) for each in one.entities.values()}
    found = [
        problem("definition.computed_on_read", pointer, file, field=path)
        for entity, path, pointer, file in (*_lists(app), *_measures(app))
        if _is_computed(entities, entity, path.split("."))
    ]
    titles = [(each, each.fields.get(each.title)) for each in app.entities.values()]
    found += [
        problem("definition.computed_on_read", "/x-title", f"entities/{entity.id}.json", field=title.id)
        for entity, title in titles
        if title is not None and title.virtual
    ]
    return found


def _lists(app: CompiledApp) -> Iterator[Found]:
    for name, view in app.lists.items():
        file = f"lists/{name}.json"
        for index, key in enumerate(view.sort):
            yield view.entity, ".".join(key.path), f"/sort/{index}", file
        for index, field in enumerate(view.filters):
            yield view.entity, field, f"/filters/{index}", file
        for index, path in enumerate(view.group):
            yield view.entity, ".".join(path), f"/group/{index}", file
        if view.on:
            yield view.entity, view.on, "/on", file


def _measures(app: CompiledApp) -> Iterator[Found]:
    for name, measure in app.measures.items():
        file = f"measures/{name}.json"
        for key, path in (("field", measure.field), ("time_field", measure.time_field)):
            if path is not None:
                yield measure.entity, path, f"/{key}", file
        for dimension, steps in measure.dimensions.items():
            yield measure.entity, ".".join(steps), f"/dimensions/{dimension}/path", file


def _is_computed(entities: Mapping[str, Entity], ref: str, path: Sequence[str]) -> bool:
    """Whether a path ends in a formula without a column; a lookup ends where the field it shows stands."""
    last: Field | None = None
    for step in path:
        entity = entities.get(ref)
        last = entity.fields.get(step) if entity is not None else None
        if last is None:
            return False
        ref = last.to or ""
    return last is not None and last.virtual and not last.shows
