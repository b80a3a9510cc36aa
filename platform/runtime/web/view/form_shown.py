"""What the database adds to a form: decided conditions, choices of links, titles of what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Choices, Texts
from dacheng.runtime.web.fields.links import held_ids
from dacheng.runtime.web.view.form import PreparedForm
from dacheng.runtime.web.view.form_follow import computed_texts
from dacheng.runtime.web.view.form_state import Decided, decide
from dacheng.runtime.web.view.record import title_of

CHOICES = 50
Titles = Mapping[str, Mapping[str, str]]
NO_TITLES: Titles = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Shown:
    """The decided conditions, choices of links, the inputs' texts; the record's name and version."""

    decided: Decided
    choices: Mapping[str, Choices]
    texts: Texts
    title: str = ""
    version: int = 0
    was: Mapping[str, str] = field(default_factory=dict)  # what the inputs hold for the stored record


def stored(reader: Reader, work: Work, ref: str, ident: str, prepared: PreparedForm) -> Shown:
    """The form of a record as it is; refused to those who may not change it."""
    record = read_records.get(reader, work, ref, ident)
    if "update" not in record.may:
        raise refuse("access.not_permitted")
    texts = prepared.texts(record.json())
    found = shown(reader, work, ident, prepared, texts, record.titles)
    return replace(found, title=title_of(record), version=record.version, was=texts)


def shown(
    reader: Reader, work: Work, ident: str, prepared: PreparedForm, texts: Texts, known: Titles = NO_TITLES
) -> Shown:
    """The form with these texts; titles already `known` (by entity and id) are not read again."""
    computing = not known and prepared.computes
    values = prepared.read(texts) if prepared.rules or computing else {}
    decided = decide(reader, work, prepared, ident, values, computing=computing)
    if computing and decided.subject is not None:
        texts = {**texts, **computed_texts(prepared, decided.subject, texts)}
    choices = {
        ref: read_records.choices(reader, work, ref, CHOICES, Choices.of) for ref in prepared.links.targets
    }
    return Shown(decided, choices, {**texts, **titles(reader, work, prepared, texts, choices, known)})


def titles(
    reader: Reader,
    work: Work,
    prepared: PreparedForm,
    texts: Texts,
    choices: Mapping[str, Choices],
    titled: Titles = NO_TITLES,
) -> dict[str, str]:
    """The titles of linked records, as `name.title`; those neither among the choices nor known yet are read."""
    held: dict[str, dict[str, str]] = {}
    for name, ref in _held(prepared, texts):
        held.setdefault(ref, {})[name] = texts.get(name) or name.rsplit(".", 1)[-1]
    found: dict[str, str] = {}
    for ref, by_name in held.items():
        known: tuple[Mapping[str, str], ...] = (
            choices[ref].titles if ref in choices else {},
            titled.get(ref, {}),
        )
        missing = sorted({each for each in by_name.values() if not any(each in one for one in known)})
        if missing and work.policy.entity(ref) is not None:
            known = (*known, read_records.titles(reader, work, ref, missing))
        for name, each in by_name.items():
            title = next((one[each] for one in known if each in one), None)
            if title is not None:
                found[f"{name}.title"] = title
    return found


def _held(prepared: PreparedForm, texts: Texts) -> Iterator[tuple[str, str]]:
    """The inputs of links that hold anything, and the entity each leads to."""
    many = {name for name, _ in prepared.links.own if prepared.places[name].field.is_links}
    for name, ref in prepared.links.own:
        if name in many:
            yield from ((f"{name}.{each}", ref) for each in held_ids(name, texts))
        elif texts.get(name):
            yield name, ref
    for name, column, ref in prepared.links.of_lines:
        for key, text in texts.items():
            if text and key.startswith(f"{name}.") and (key.endswith(f".{column}") or f".{column}." in key):
                yield key, ref
