"""A file to fill in: one row of headings, in the reader's words, that an import of the same person takes by itself."""

from __future__ import annotations

from collections.abc import Iterator

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.delimited import safe, write_delimited
from dacheng.runtime.services.import_mapping import fillable, suggest_mapping
from dacheng.runtime.services.work import Work


def template(work: Work, entity: str) -> Iterator[str]:
    """One line of CSV; refused without the right to add records, as the import itself would be."""
    if not work.entity(entity).may("create"):
        raise refuse("access.not_permitted")
    return write_delimited([[safe(text) for text in headings(work, entity)]])


def headings(work: Work, entity: str) -> list[str]:
    """A heading for every field that may be filled: its label, or its id where the label would mean another."""
    fields = fillable(work, entity, historic=False)
    labels, locale = work.model.labels, work.context.locale
    texts = {name: labels.field(locale, each).strip() for name, each in fields.items()}
    understood = {
        each.column: each.field for each in suggest_mapping(work, entity, [*texts.values()]).columns
    }
    return [text if understood.get(text) == name else name for name, text in texts.items()]
