"""Records that come with a package: put in through the write services, found again by key, never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dacheng.metadata.definition import CompiledApp, Entity
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.plugins.context import Cause
from dacheng.runtime.services import write_record
from dacheng.runtime.services.import_links import find_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import sample_records
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.versions import read_versions

BATCH = 500
Progress = Callable[[str, int, int], None]


def data_sets(app: CompiledApp, *, sample: bool) -> tuple[Mapping[str, Any], ...]:
    """The app's data sets so that each comes after those its records link to."""
    wanted = [item for item in app.data.values() if sample or not item.get("sample")]
    by_entity: dict[str, list[Mapping[str, Any]]] = {}
    for item in wanted:
        by_entity.setdefault(_full(app, item["entity"]), []).append(item)
    ordered: list[Mapping[str, Any]] = []
    placed: set[str] = set()

    def place(ref: str) -> None:
        if ref in placed or ref not in by_entity:
            return
        placed.add(ref)
        entity = app.entities.get(ref.split(".", 1)[1])
        used = {name for item in by_entity[ref] for record in item["records"] for name in record}
        for target in _targets(app, entity, used) if entity is not None else ():
            place(target)
        ordered.extend(by_entity[ref])

    for ref in sorted(by_entity):
        place(ref)
    return tuple(ordered)


def count_records(app: CompiledApp, *, sample: bool) -> dict[str, int]:
    """How many records the data sets hold, by entity: the sample ones, or the others."""
    counts: dict[str, int] = {}
    for item in app.data.values():
        if bool(item.get("sample")) == sample:
            ref = _full(app, item["entity"])
            counts[ref] = counts.get(ref, 0) + len(item["records"])
    return counts


def sample_cause(app: str) -> str:
    """The id of the cause that sample records carry in the change log."""
    return f"{app}:sample"


def app_of_cause(work: Work) -> str:
    """The app whose records are being planted."""
    return work.context.cause.id.partition(":")[0]


def plant(
    tx: Transaction, work: Work, app: CompiledApp, *, sample: bool, progress: Progress
) -> dict[str, int]:
    """Create every record of the data sets whose key is not there yet; answers how many by entity."""
    sets = data_sets(app, sample=sample)
    keys = {_full(app, item["entity"]): str(item["key"]) for item in app.data.values() if "key" in item}
    total = sum(len(item["records"]) for item in sets)
    made: dict[str, int] = {}
    done = 0
    for item in sets:
        cause = sample_cause(app.id) if item.get("sample") else f"{app.id}:{app.version}"
        own = replace(work, context=work.context.because(Cause("install", cause)))
        ref = _full(app, item["entity"])
        for start in range(0, len(item["records"]), BATCH):
            batch = item["records"][start : start + BATCH]
            made[ref] = made.get(ref, 0) + _plant(tx, own, ref, item, start, batch, keys)
            done += len(batch)
            progress("data", done, total)
    return made


def _plant(
    tx: Transaction,
    work: Work,
    ref: str,
    item: Mapping[str, Any],
    start: int,
    records: Sequence[Mapping[str, Any]],
    keys: Mapping[str, str],
) -> int:
    """One batch. A link to a record of the same batch ends a part of it, so that it can be found."""
    entity = work.model.catalogue.entities[ref]
    key = item.get("key")
    missing = list(_missing(tx, work, ref, key, records, start))
    parts: list[list[tuple[int, Mapping[str, Any]]]] = [[]]
    fresh: set[Any] = set()
    for index, record in missing:
        if any(value in fresh for value in _own_keys(entity, record)):
            parts.append([])
            fresh = set()
        parts[-1].append((index, record))
        fresh.add(record.get(str(key)))
    for part in parts:
        now = replace(work, model=replace(work.model, versions=read_versions(tx)))
        _create(tx, now, entity, item, part, keys)
    return len(missing)


def _create(
    tx: Transaction,
    work: Work,
    entity: Entity,
    item: Mapping[str, Any],
    part: Sequence[tuple[int, Mapping[str, Any]]],
    keys: Mapping[str, str],
) -> None:
    file = f"data/{item['id']}.json"
    wanted: dict[str, dict[str, None]] = {}
    for _, record in part:
        for target, value in _references(work, entity, record):
            wanted.setdefault(target, {})[value] = None
    found = {
        target: find_records(tx, work, target, keys.get(target, _title(work, target)), texts)
        for target, texts in wanted.items()
    }
    problems: list[Problem] = []
    writes = []
    for index, record in part:
        values = _resolved(work, entity, record, found, f"/records/{index}", file, problems)
        writes.append(Write("create", entity.ref, values=values, rules=False, historic=True))
    if problems:
        raise Refused(problems)
    answers = write_record.prepare_many(tx, work, writes)
    for (index, _), answer in zip(part, answers, strict=True):
        if isinstance(answer, Refused):
            problems.extend(each.at(f"/records/{index}", file) for each in answer.problems)
    if problems:
        raise Refused(problems)
    ready = [each for each in answers if not isinstance(each, Refused)]
    write_record.commit_many(tx, work, ready)
    if item.get("sample"):
        touched = write_record.touched(ready)
        sample_records.note(tx, work.model, app_of_cause(work), "", touched)


def _missing(
    tx: Transaction,
    work: Work,
    ref: str,
    key: str | None,
    records: Sequence[Mapping[str, Any]],
    start: int,
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    there: Mapping[str, str | None] = {}
    if key is not None:
        there = find_records(tx, work, ref, key, [str(record.get(key)) for record in records])
    for index, record in enumerate(records, start):
        if key is None or there.get(str(record.get(key))) is None:
            yield index, record


def _resolved(
    work: Work,
    entity: Entity,
    record: Mapping[str, Any],
    found: Mapping[str, Mapping[str, str | None]],
    pointer: str,
    file: str,
    problems: list[Problem],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in record.items():
        field = entity.fields.get(name)
        if field is not None and field.is_lines and isinstance(value, Sequence):
            child = work.model.catalogue.entities[field.to or ""]
            values[name] = [
                _resolved(work, child, line, found, f"{pointer}/{name}/{place}", file, problems)
                for place, line in enumerate(value)
            ]
        elif field is not None and field.is_links and isinstance(value, Sequence):
            values[name] = [
                _resolved(work, entity, {name: each}, found, pointer, file, problems)[name]
                if _is_reference(each)
                else each
                for each in value
            ]
        elif field is not None and _is_reference(value):
            target = found.get(field.to or "", {}).get(str(value["key"]))
            if target is None:
                problems.append(
                    problem(
                        "install.link_missing", f"{pointer}/{name}", file, key=value["key"], entity=field.to
                    )
                )
            values[name] = target
        else:
            values[name] = value
    return values


def _references(work: Work, entity: Entity, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        field = entity.fields.get(name)
        if field is None or field.to is None:
            continue
        if field.is_lines and isinstance(value, Sequence):
            for line in value:
                yield from _references(work, work.model.catalogue.entities[field.to], line)
        elif field.is_links and isinstance(value, Sequence):
            yield from ((field.to, str(each["key"])) for each in value if _is_reference(each))
        elif _is_reference(value):
            yield field.to, str(value["key"])


def _own_keys(entity: Entity, record: Mapping[str, Any]) -> Iterator[Any]:
    for name, value in record.items():
        field = entity.fields.get(name)
        if field is not None and field.to == entity.ref and _is_reference(value):
            yield value["key"]


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"key"}


def _title(work: Work, ref: str) -> str:
    return work.model.catalogue.entities[ref].title


def _full(app: CompiledApp, ref: str) -> str:
    return ref if "." in ref else f"{app.id}.{ref}"


def _targets(app: CompiledApp, entity: Entity, used: Container[str]) -> Iterator[str]:
    """Where the fields that its records fill in lead; a link that none of them holds sets no order."""
    for field in entity.fields.values():
        if field.to is None or field.to == entity.ref or field.id not in used:
            continue
        yield field.to
        child = app.entities.get(field.to.split(".", 1)[1]) if field.is_lines else None
        if child is not None and child.parent == entity.ref:
            yield from (f.to for f in child.fields.values() if f.to and f.to != entity.ref)
