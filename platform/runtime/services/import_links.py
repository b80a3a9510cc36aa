"""Texts of a file become ids of records: looked up in batches, seen through the importer's own eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.field_kinds.link import ID_PATTERN
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services.import_cells import APART, Draft, parsed
from dacheng.runtime.services.import_mapping import ColumnMap, ImportMapping
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

Pending = Mapping[str, Sequence[str]]  # distinct texts to look up, by field
CHUNK = 400
SEVERAL = "*"  # no id looks like this
_ID = re.compile(ID_PATTERN)


def find_records(
    reader: Reader, work: Work, ref: str, by: str, texts: Iterable[str]
) -> dict[str, str | None]:
    """For each text the id of the living record whose field `by` holds it and that the actor may see.

    None when there is no such record (or the text does not fit the field), `SEVERAL` when there are two.
    """
    made = work.model.tables.entity(ref)
    codec = made.entity.fields[by].codec
    found: dict[str, str | None] = {}
    stored: dict[Any, list[str]] = {}
    for text in texts:
        found[text] = None
        try:
            stored.setdefault(codec.store(parsed(codec, text))[0], []).append(text)
        except Refused:
            continue
    column = made.columns[by][0]
    values = [value for value in stored if value is not None]
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), CHUNK):
        query = sa.select(made.table.c.id, column).where(
            column.in_(values[start : start + CHUNK]), made.deleted_at.is_(None)
        )
        rows.extend(reader.rows(query))
    seen = AtHand(reader, work.model).visible(work, ref, [row[0] for row in rows])
    for record, value in rows:
        if record in seen:
            for text in stored[value]:
                found[text] = record if found[text] is None else SEVERAL
    return found


def _by_id(reader: Reader, work: Work, ref: str, texts: Sequence[str]) -> dict[str, str | None]:
    """Those texts that are ids of records which may be seen: so exports name records without a title."""
    ids = [each for each in texts if _ID.fullmatch(each)]
    seen = AtHand(reader, work.model).visible(work, ref, ids) if ids else ()
    return {each: each for each in ids if each in seen}


def find_within(
    reader: Reader, work: Work, mapping: ImportMapping, ref: str, wanted: Mapping[str, tuple[str, str | None]]
) -> dict[str, str | None]:
    """`find_records` by two columns: each text stands for a key and the id of the record it belongs to."""
    made = work.model.tables.entity(ref)
    codec, column, link = (
        made.entity.fields[mapping.key].codec,
        made.columns[mapping.key][0],
        made.columns[mapping.within][0],
    )
    texts: dict[tuple[Any, str], list[str]] = {}
    for text, (key, place) in wanted.items():
        if place:
            texts.setdefault((codec.store(parsed(codec, key))[0], place), []).append(text)
    found: dict[str, str | None] = dict.fromkeys(wanted)
    values = list(dict.fromkeys(key for key, _ in texts))
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), CHUNK):
        query = sa.select(made.table.c.id, column, link).where(
            column.in_(values[start : start + CHUNK]), made.deleted_at.is_(None)
        )
        rows.extend(row for row in reader.rows(query) if (row[1], row[2]) in texts)
    seen = AtHand(reader, work.model).visible(work, ref, [row[0] for row in rows])
    for record, value, place in rows:
        for text in texts[value, place] if record in seen else ():
            found[text] = record if found[text] is None else SEVERAL
    return found


@dataclass(slots=True)
class LinkBook:
    """What the texts of a file's link columns lead to, remembered for the whole import.

    `own` are the texts of self-links that rows of the same file will answer; they are filled in last.
    """

    work: Work
    entity: str
    columns: dict[str, ColumnMap]
    own: dict[str, frozenset[str]]
    known: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, work: Work, entity: str, mapping: ImportMapping, drafts: Iterable[Draft]) -> LinkBook:
        """A book for one file; `drafts` are all its rows, looked at for self-links alone."""
        fields = work.entity(entity).entity.fields
        columns = {each.field: each for each in mapping.columns if fields[each.field].leads_to_records}
        own_columns = {
            name: each for name, each in columns.items() if fields[name].to == entity and fields[name].is_link
        }
        texts: dict[str, set[str]] = {each.match: set() for each in own_columns.values()}
        if own_columns:
            for draft in drafts:
                for name, seen in texts.items():
                    value = draft.values.get(name)
                    if isinstance(value, str):
                        seen.add(value)
        own = {name: frozenset(texts[each.match]) for name, each in own_columns.items()}
        return cls(work, entity, columns, own)

    def target(self, name: str) -> str:
        """The entity a link field leads to."""
        return self.work.entity(self.entity).entity.fields[name].to or ""

    def look_up(self, reader: Reader, pending: Pending) -> None:
        """Find every text that is not known yet."""
        for name, texts in pending.items():
            known = self.known.setdefault(name, {})
            wanted = [t for t in texts if t not in known and t not in self.own.get(name, ())]
            if wanted:
                by, ref = self.columns[name].match, self.target(name)
                known.update(find_records(reader, self.work, ref, by, wanted))
                known.update(_by_id(reader, self.work, ref, [t for t in wanted if known[t] is None]))

    def existing(
        self, reader: Reader, mapping: ImportMapping, texts: Iterable[str]
    ) -> Mapping[str, str | None]:
        """The records that rows with these keys find; what they link to is looked up already."""
        keys = {text for text in texts if text}
        if not mapping.key or not keys:
            return {}
        if not mapping.within:
            return find_records(reader, self.work, self.entity, mapping.key, keys)
        known = self.known.get(mapping.within, {})
        wanted = {}
        for text in keys:
            key, _, place = text.partition(APART)
            wanted[text] = (key, known.get(place, place))
        return find_within(reader, self.work, mapping, self.entity, wanted)

    def to_create(self, pending: Pending) -> dict[tuple[str, str], list[str]]:
        """Texts without a record that the mapping says to make one for: by (entity, field looked up in)."""
        wanted: dict[tuple[str, str], dict[str, None]] = {}
        for name, texts in pending.items():
            column = self.columns[name]
            if column.missing == "create":
                key = (self.target(name), column.match)
                missing = [t for t in texts if self.known.get(name, {}).get(t, "") is None]
                wanted.setdefault(key, {}).update(dict.fromkeys(missing))
        return {key: list(texts) for key, texts in wanted.items() if texts}

    def learn(self, ref: str, by: str, text: str, record: str | None) -> None:
        """A text now leads to this record."""
        for name, column in self.columns.items():
            if self.target(name) == ref and column.match == by:
                self.known.setdefault(name, {})[text] = record

    def ids(self, name: str, texts: Sequence[str], otherwise: Any) -> list[Any]:
        """What each text of one link leads to; empty ones and self-links still to come lead nowhere yet.

        `otherwise` stands for the texts that lead to no one record, for `resolve` to say why.
        """
        nowhere = None if self.columns[name].missing == "empty" else otherwise
        known, own = self.known.get(name, {}), self.own.get(name, ())
        led: dict[str, Any] = {}
        for text in dict.fromkeys(texts):
            record = known.get(text)
            led[text] = nowhere if record is None else otherwise if record == SEVERAL else record
            if not text or text in own:
                led[text] = None
        return [led[text] for text in texts]

    def resolve(self, draft: Draft) -> tuple[dict[str, Any], list[Problem]]:
        """The row's values with ids for its links (self-links to rows of the file still missing), or problems."""
        values = dict(draft.values)
        problems = list(draft.problems)
        for name, text in draft.links.items():
            if text in self.own.get(name, ()):
                continue
            record = self.known.get(name, {}).get(text)
            if record is not None and record != SEVERAL:
                values[name] = record
            elif record is None and self.columns[name].missing == "empty":
                values[name] = None
            else:
                problems.append(self.unanswered(name, text, several=record == SEVERAL))
        for name, texts in draft.lists.items():
            ids = [each for text in texts if (each := self._one(name, text, problems))]
            try:
                values[name] = self.work.entity(self.entity).entity.fields[name].codec.parse(ids)
            except Refused as refused:
                problems.extend(each.at(f"/{name}") for each in refused.problems)
        return values, problems

    def _one(self, name: str, text: str, problems: list[Problem]) -> str | None:
        """The record that one text of a list leads to; a problem is added where there is none and it must be."""
        record = self.known.get(name, {}).get(text)
        if record is not None and record != SEVERAL:
            return record
        if record == SEVERAL or self.columns[name].missing != "empty":
            problems.append(self.unanswered(name, text, several=record == SEVERAL))
        return None

    def unanswered(self, name: str, text: str, *, several: bool) -> Problem:
        """Why a text leads to no one record: there is none, or there are several."""
        code = "import.link_ambiguous" if several else "import.link_not_found"
        return problem(code, f"/{name}", value=text, entity=self._name_of(self.target(name)))

    def own_links(self, draft: Draft) -> dict[str, str]:
        """The self-links of a row that rows of the same file answer: field → text."""
        return {name: text for name, text in draft.links.items() if text in self.own.get(name, ())}

    def _name_of(self, ref: str) -> str:
        entity = self.work.model.catalogue.entities[ref]
        return self.work.model.labels.entity(self.work.context.locale, entity)
