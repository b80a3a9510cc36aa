"""The one value a request needs to know everything defined: catalogue, labels and tables of one version."""

from __future__ import annotations

from dataclasses import dataclass, field

from dacheng.metadata.definition import Catalogue
from dacheng.metadata.expression.moments import WEEKDAYS, Calendar
from dacheng.metadata.labels import Labels
from dacheng.runtime.storage.tables import Tables
from dacheng.runtime.storage.versions import Versions


@dataclass(frozen=True, slots=True)
class Model:
    """Immutable; `version` is the definitions' version it was read at, `versions` all three.

    `calendar` says which days are worked: it is read again with the words.
    """

    version: int
    catalogue: Catalogue
    labels: Labels
    tables: Tables
    versions: Versions = field(default_factory=Versions)
    calendar: Calendar = WEEKDAYS
