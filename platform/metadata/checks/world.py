"""What a package can refer to: its own entities as written, and the compiled ones of apps it requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import CompiledApp, Package
from dacheng.metadata.kinds import FieldKind, Kinds, Shape
from dacheng.metadata.system_fields import CORE, system_specs

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A field as others see it: its kind, where a link leads (full reference), the options of a choice."""

    kind: FieldKind
    to: str | None = None
    options: frozenset[str] = frozenset()
    source: str = ""  # a roll-up's aggregate
    values: FieldKind | None = None  # the kind its values are of, where that is another one
    shows: str = ""  # a lookup's path

    @property
    def holds(self) -> FieldKind:
        """The kind its values are of."""
        return self.values or self.kind

    @property
    def is_link(self) -> bool:
        """Whether a path may lead on from here."""
        return self.kind.shape is Shape.LINK

    @property
    def is_lines(self) -> bool:
        """Whether it stands for rows of a child."""
        return self.kind.shape is Shape.LINES


class World:
    """Look-up of everything a reference may name; `package` must have passed the structure check."""

    def __init__(self, package: Package, kinds: Kinds, others: Mapping[str, CompiledApp]) -> None:
        self.package = package
        self.kinds = kinds
        self.app = package.id
        self.others = others
        self.entities = {i: item for (kind, i), item in package.items.items() if kind == "entity"}
        self.reachable = {CORE, self.app, *package.manifest.get("requires", {})}
        self._fields: dict[str, Mapping[str, Target] | None] = {}

    def items(self, kind: str) -> list[tuple[str, Item, str]]:
        """(id, item, file) of every item of a kind."""
        found = self.package.items.items()
        return [(i, item, self.file(kind, i)) for (k, i), item in found if k == kind]

    def item(self, kind: str, item_id: str) -> Item | None:
        """One item of the package itself."""
        return self.package.items.get((kind, item_id))

    def file(self, kind: str, item_id: str) -> str:
        """The file an item came from."""
        return self.package.files.get((kind, item_id), f"{kind}/{item_id}.json")

    def full(self, name: str) -> str:
        """A name within the app, or a full reference → the full reference."""
        return name if "." in name else f"{self.app}.{name}"

    def has_entity(self, name: str) -> bool:
        """Whether the entity exists here or in a required app."""
        return self.fields(name) is not None

    def fields(self, name: str) -> Mapping[str, Target] | None:
        """The fields of an entity by id, system fields included; None when there is no such entity."""
        ref = self.full(name)
        if ref not in self._fields:
            self._fields[ref] = self._find(ref)
        return self._fields[ref]

    def _find(self, ref: str) -> Mapping[str, Target] | None:
        app, _, entity = ref.partition(".")
        if app == self.app:
            item = self.entities.get(entity)
            return None if item is None else self._written({**item["properties"], **system_specs(item)})
        other = self.others.get(app)
        found = other.entities.get(entity) if other is not None and app in self.reachable else None
        if found is None:
            return None
        return {
            field.id: Target(
                self.kinds.fields[field.kind],
                field.to,
                frozenset(option.id for option in field.options),
                values=self.kinds.fields[field.kind].values_as(field.spec),
                shows=str(field.spec.get("x-path", "")),
            )
            for field in found.fields.values()
        }

    def _written(self, specs: Mapping[str, Item]) -> Mapping[str, Target]:
        targets = {}
        for field, spec in specs.items():
            kind = self.kinds.fields[spec["x-kind"]]
            to = kind.leads_to(spec)
            options = frozenset(spec.get("x-options", ()))
            source = str(spec.get("x-aggregate", ""))
            target = None if to is None else self.full(to)
            shows = str(spec.get("x-path", ""))
            targets[field] = Target(kind, target, options, source, kind.values_as(spec), shows)
        return targets

    def path(self, entity: str, path: str | Sequence[str]) -> Target | None:
        """The field at the end of a path over links; None when a step does not exist."""
        steps = path.split(".") if isinstance(path, str) else list(path)
        at: str | None = entity
        target: Target | None = None
        for index, step in enumerate(steps):
            fields = self.fields(at) if at is not None else None
            target = fields.get(step) if fields is not None else None
            if target is None:
                return None
            if target.shows and at is not None:
                shown = self.path(at, target.shows) if index + 1 == len(steps) else None
                return None if shown is None or shown.shows else shown
            at = target.to if target.is_link else None
        return target

    def role(self, name: str) -> bool:
        """Whether a role exists here or in a required app."""
        app, _, role = self.full(name).partition(".")
        if app == self.app:
            return ("role", role) in self.package.items
        other = self.others.get(app)
        return other is not None and app in self.reachable and role in other.roles

    def measure(self, name: str) -> tuple[str, frozenset[str]] | None:
        """(aggregate, dimensions) of a measure here or in a required app; None when there is none."""
        app, _, measure = self.full(name).partition(".")
        if app == self.app:
            item = self.item("measure", measure)
            if item is not None and item["aggregate"] == "ratio":
                return "ratio", self._shared_dimensions(item)
            return None if item is None else (str(item["aggregate"]), frozenset(item.get("dimensions", ())))
        other = self.others.get(app)
        found = other.measures.get(measure) if other is not None and app in self.reachable else None
        return None if found is None else (found.aggregate, frozenset(found.dimensions))

    def _shared_dimensions(self, item: Item) -> frozenset[str]:
        """Those that both measures of a ratio have; a ratio of ratios has none."""
        parts = [self.item("measure", str(item.get(key, ""))) for key in ("of", "per")]
        if any(part is not None and part["aggregate"] == "ratio" for part in parts):
            return frozenset()
        found = [self.measure(str(item.get(key, ""))) for key in ("of", "per")]
        return frozenset.intersection(*(one[1] if one is not None else frozenset() for one in found))
