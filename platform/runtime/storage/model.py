"""The one value a request needs to know everything defined: catalogue, labels and tables of one version."""

from __future__ import annotations

from dataclasses import dataclass, field

from dacheng.metadata.definition import Catalogue
from dacheng.metadata.labels import Labels
from dacheng.runtime.storage.tables import Tables
from dacheng.runtime.storage.versions import Versions


@dataclass(frozen=True, slots=True)
class Model:
    """Immutable; `version` is the definitions' version it was read at, `versions` all three."""

    version: int
    catalogue: Catalogue
    labels: Labels
    tables: Tables
    versions: Versions = field(default_factory=Versions)
