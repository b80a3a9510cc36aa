"""What is pasted from a spreadsheet becomes a file to import: with its own headings, or with those of a list."""

from __future__ import annotations

from collections.abc import Sequence

from dacheng.runtime.services.delimited import read_delimited
from dacheng.runtime.services.import_mapping import suggest_mapping
from dacheng.runtime.services.import_template import headings
from dacheng.runtime.services.work import Work

TAB = "\t"


def pasted(work: Work, entity: str, text: str, fields: Sequence[str] = ()) -> bytes:
    """The text with a first row of names: its own where one is known, else those of `fields`, as far as it is wide.

    Without `fields`, the fields that may be filled stand in their order.
    """
    lines = text.replace("\r\n", "\n").strip("\n")
    first = read_delimited(lines.encode(), delimiter=TAB).header
    if suggest_mapping(work, entity, first).columns:
        return lines.encode()
    names = [*(fields or headings(work, entity))][: len(first)]
    names += [f"column {at}" for at in range(len(names) + 1, len(first) + 1)]
    return f"{TAB.join(names)}\n{lines}".encode()
