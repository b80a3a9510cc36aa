"""Names of people for pages that hold their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dacheng.runtime.services import read_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

PERSON = "core.user"


def names_of(reader: Reader, work: Work, ids: Sequence[str]) -> Mapping[str, str]:
    """id → name of the people whose records may be seen."""
    return read_records.titles(reader, work, PERSON, ids)
