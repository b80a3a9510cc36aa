"""The model from what is installed: read, folded and compiled once per content; words alone are swapped alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.archive import archive_files
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Catalogue, Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import compile_labels
from dacheng.metadata.layers import Folded, fold
from dacheng.metadata.package import canonical, read_files
from dacheng.runtime.storage import packages
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.packages import InstalledPackage
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import Tables, build_tables
from dacheng.runtime.storage.versions import Versions, read_versions

WORDS = ("label", "term")
CACHED_PACKAGES = 64


@dataclass(frozen=True, slots=True)
class App:
    """One installed app: its base, its layers, and both folded."""

    base: Package
    layers: tuple[Layer, ...]
    folded: Folded

    @property
    def shape(self) -> str:
        """Changes when anything but words changes."""
        operations = [
            [layer.owner, *_plain(each)]
            for layer in self.layers
            for each in layer.operations
            if each.op not in WORDS
        ]
        text = canonical([self.base.hash, operations])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Compiled:
    shape: str
    catalogue: Catalogue
    tables: Tables


class Loader:
    """Compiles what is installed for one set of kinds; remembers the last catalogue and the bases it read."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._bases: dict[str, Package] = {}
        self._last: _Compiled | None = None

    def load(self, reader: Reader) -> Model:
        """The model of everything installed, as this snapshot sees it."""
        return self.build(self.apps(reader), read_versions(reader))

    def renew(self, reader: Reader, model: Model) -> Model:
        """The model of now: the given one when nothing moved, else as much of it as still holds."""
        found = read_versions(reader)
        known = model.versions
        if (found.definitions, found.labels) == (known.definitions, known.labels):
            return model if found == known else replace(model, versions=found)
        return self.build(self.apps(reader), found)

    def apps(self, reader: Reader) -> tuple[App, ...]:
        """What is installed, folded."""
        return tuple(self._app(each) for each in packages.installed(reader))

    def build(self, apps: Sequence[App], versions: Versions) -> Model:
        """The model of these apps; raises `Refused` when they do not compile together."""
        compiled = self._compile(apps)
        words = compile_labels([each.folded.package for each in apps], compiled.catalogue, self._kinds)
        return Model(versions.definitions, compiled.catalogue, words, compiled.tables, versions)

    def fold(self, base: Package, layers: Sequence[Layer]) -> App:
        """One app with its layers folded in."""
        return App(base, tuple(layers), fold(base, layers, self._kinds))

    def _compile(self, apps: Sequence[App]) -> _Compiled:
        shape = "|".join([self._kinds.hash, *sorted(each.shape for each in apps)])
        if self._last is None or self._last.shape != shape:
            catalogue = compile_catalogue([each.folded.package for each in apps], self._kinds)
            self._last = _Compiled(shape, catalogue, build_tables(catalogue))
        return self._last

    def _app(self, found: InstalledPackage) -> App:
        base = self._bases.get(found.hash)
        if base is None:
            base = read_files(archive_files(found.files), self._kinds)
            if len(self._bases) >= CACHED_PACKAGES:
                self._bases.clear()
            self._bases[found.hash] = base
        return self.fold(base, found.layers)


def _plain(operation: LayerOperation) -> list[object]:
    return [operation.op, operation.kind, operation.item, list(operation.path), operation.value]
