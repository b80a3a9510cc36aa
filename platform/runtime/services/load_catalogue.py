"""The model from what is installed: read, folded and compiled once per content; words alone are swapped alone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.archive import archive_files
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Catalogue, Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import compile_labels
from dacheng.metadata.layers import Folded, fold
from dacheng.metadata.package import canonical, read_files
from dacheng.metadata.parking import Parked, known_files, park
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import packages, working_calendar
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.packages import InstalledPackage
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import Tables, build_tables
from dacheng.runtime.storage.versions import Versions, read_versions

WORDS = ("label", "term")
CACHED_PACKAGES = 64
log = logging.getLogger("dacheng.plugins")


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
    packages: tuple[Package, ...]
    parked: tuple[Parked, ...]


class Loader:
    """Compiles what is installed for one set of kinds; remembers the last catalogue and the bases it read."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._bases: dict[str, Package] = {}
        self._last: _Compiled | None = None
        self._unread: dict[str, tuple[Parked, ...]] = {}

    @property
    def parked(self) -> tuple[Parked, ...]:
        """What of the model last built rests, because the plugin it needs is gone or disabled."""
        unread = [each for name in sorted(self._unread) for each in self._unread[name]]
        return (*unread, *(self._last.parked if self._last is not None else ()))

    def load(self, reader: Reader) -> Model:
        """The model of everything installed, as this snapshot sees it."""
        return _dated(reader, self.build(self.apps(reader), read_versions(reader)))

    def renew(self, reader: Reader, model: Model) -> Model:
        """The model of now: the given one when nothing moved, else as much of it as still holds."""
        found = read_versions(reader)
        known = model.versions
        if (found.definitions, found.labels) == (known.definitions, known.labels):
            return model if found == known else replace(model, versions=found)
        return _dated(reader, self.build(self.apps(reader), found))

    def apps(self, reader: Reader) -> tuple[App, ...]:
        """What is installed, folded."""
        return tuple(self._app(each) for each in packages.installed(reader))

    def build(self, apps: Sequence[App], versions: Versions) -> Model:
        """The model of these apps; raises `Refused` when they do not compile together."""
        compiled = self._compile(apps)
        words = compile_labels(compiled.packages, compiled.catalogue, self._kinds)
        return Model(versions.definitions, compiled.catalogue, words, compiled.tables, versions)

    def fold(self, base: Package, layers: Sequence[Layer]) -> App:
        """One app with its layers folded in."""
        return App(base, tuple(layers), fold(base, layers, self._kinds))

    def _compile(self, apps: Sequence[App]) -> _Compiled:
        shape = "|".join([self._kinds.hash, *sorted(each.shape for each in apps)])
        packages = tuple(each.folded.package for each in apps)
        if self._last is not None and self._last.shape == shape and not self._last.parked:
            self._last = replace(self._last, packages=packages)
            return self._last
        parked: tuple[Parked, ...] = ()
        try:
            catalogue = compile_catalogue(packages, self._kinds)
        except Refused:
            packages, parked = park(packages, self._kinds)
            catalogue = compile_catalogue(packages, self._kinds)
            log.warning("%d definitions rest until their plugins are back", len(parked))
        self._last = _Compiled(shape, catalogue, build_tables(catalogue), packages, parked)
        return self._last

    def _app(self, found: InstalledPackage) -> App:
        base = self._bases.get(found.hash)
        if base is None:
            files, self._unread[found.id] = known_files(archive_files(found.files), self._kinds, found.id)
            base = read_files(files, self._kinds)
            if len(self._bases) >= CACHED_PACKAGES:
                self._bases.clear()
            self._bases[found.hash] = base
        return self.fold(base, found.layers)


def _dated(reader: Reader, model: Model) -> Model:
    return replace(model, calendar=working_calendar.read(reader, model))


def _plain(operation: LayerOperation) -> list[object]:
    return [
        operation.op,
        operation.kind,
        operation.item,
        list(operation.path),
        operation.value,
        operation.parked,
    ]
