"""Kinds: the frozen registry of everything a definition may name, always given as an argument."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from dacheng.metadata.expression import Macro, Type

ENGINE_VERSION = "1"
Json = Any
Spec = Mapping[str, Any]


class Primitive(StrEnum):
    """What a column physically holds, the same on both databases."""

    TEXT = "text"
    INTEGER = "integer"  # 64 bit; decimals and money are value × 10^scale
    DATE = "date"  # ISO text, 10 characters
    INSTANT = "instant"  # milliseconds since 1970 UTC
    BOOLEAN = "boolean"  # 0 or 1
    LINK = "link"  # the id of a record
    JSON = "json"  # canonical JSON text


class Shape(StrEnum):
    """How a field hangs together with records; whatever asks, asks for this and not for a kind by name."""

    VALUE = "value"  # a value in columns of its own
    LINK = "link"  # one column with the id of one record
    LINES = "lines"  # no column: the rows of a child entity that live and die with the record
    FILES = "files"  # the first column holds a list of ids of files
    LINKS = "links"  # the first column holds a list of ids of records, which a join table mirrors


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One physical column of a field: named `{field}{suffix}`."""

    primitive: Primitive
    suffix: str = ""
    scale: int = 0
    references: str | None = None
    indexed: bool = False


class Codec(Protocol):
    """A field kind bound to one field's definition: all conversions of its values.

    `parse` takes a JSON value, `parse_text` what a person typed or a file holds; both give the typed
    value (text → str, integer → int, decimal → Decimal, money → Money, date → date, datetime → aware
    datetime, link → id, lines → tuple of mappings, missing → None) or raise `Refused` with pointer "".
    """

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The physical columns, in the order of `store` and `load`; none for lines."""

    @property
    def value_schema(self) -> Mapping[str, Any]:
        """JSON Schema of the JSON values that `parse` takes, null aside."""

    @property
    def type(self) -> Type:
        """What the value is in expressions."""

    def parse(self, raw: Json) -> Any:
        """JSON value → typed value, or `Refused`."""

    def parse_text(self, text: str) -> Any:
        """What a person typed or a file holds → typed value, or `Refused`."""

    def store(self, value: Any) -> tuple[Any, ...]:
        """Typed value → one stored value per column."""

    def load(self, stored: Sequence[Any]) -> Any:
        """Stored values → typed value."""

    def json(self, value: Any) -> Json:
        """Typed value → JSON value, exactly as `parse` takes it back."""

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Stored values → JSON value, without a typed value in between."""

    def text(self, value: Any) -> str:
        """Typed value → plain text that `parse_text` takes back; empty when missing."""

    def operand(self, value: Any) -> Any:
        """Typed value → what an expression computes with."""


@runtime_checkable
class ColumnCodec(Protocol):
    """What a codec of one physical column may also do: read a whole column of a file without a value in between."""

    def store_texts(self, texts: Sequence[str]) -> list[Any] | None:
        """Trimmed texts → what `store` makes of what `parse_text` reads in each, an empty one being missing.

        None unless every text is plainly right: what is doubtful is left to `parse_text`.
        """


@runtime_checkable
class Spoken(Protocol):
    """A codec whose values have words of their own in each language; `parse_text` takes all of them back."""

    def text_in(self, value: Any, locale: str) -> str:
        """Typed value → text as people of a locale write it; empty when missing."""


@runtime_checkable
class Searched(Protocol):
    """A codec whose values are found by other words than those of their text."""

    def searched(self, stored: Sequence[Any]) -> str:
        """Stored values → the text a search looks into; it finds words by their beginnings."""


class FieldKind(ABC):
    """One kind of field: one file, one subclass. `schema` ({"properties", "required"}) is what it adds to a property."""

    id: str
    schema: Mapping[str, Any] = MappingProxyType({})
    view: str = ""  # the web view that draws it; empty: the view named like the kind
    shape: Shape = Shape.VALUE
    numeric: bool = False  # a number: measures may sum it
    ordered: bool = False  # has a smallest and a largest value
    timed: bool = False  # a day or an instant: measures may run along it
    derived: bool = False  # computed by the product, never written by people
    assigned: bool = False  # given by the product when a record is made; only an import brings it along
    sortable: bool = True  # lists may be put in its order
    keyed: bool = True  # short enough to be unique or to have an index
    merge: Mapping[str, str] = MappingProxyType({})  # layer policy per key this kind adds

    def leads_to(self, spec: Spec) -> str | None:
        """The entity that a link or lines of this kind lead to, as written; None for a value."""
        target = spec.get("x-to") or spec.get("x-entity")
        return None if target is None else str(target)

    def values_as(self, spec: Spec) -> FieldKind:
        """The kind whose values a field of this one holds: its own, but for what is computed in another's shape."""
        return self

    @abstractmethod
    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec of one field; `spec` has already passed the kind's schema."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that needs text: its key within the app (`field:account.name`), and whether it may be empty."""

    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class DefinitionKind:
    """One kind of item in a package: its folder, closed schema, layer policies, text slots and editor hints.

    `merge` maps a property path pattern (`sections.*.fields.*.visible`, `*` for one step, `**` for the
    rest) to `owner`, `mergeable` or `locked`; what no pattern names is mergeable.
    """

    id: str
    folder: str
    schema: Mapping[str, Any]
    merge: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    slots: Callable[[Mapping[str, Any]], Iterable[Slot]] = lambda item: ()
    editor: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Figure:
    """A single number to show: already formatted text, the exact value, and an optional comparison sentence."""

    value: str
    exact: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Labelled values: one row per group, in order; `links` lead to the records behind each row."""

    labels: tuple[str, ...]
    values: tuple[float, ...]
    texts: tuple[str, ...]
    links: tuple[str, ...] = ()
    unit: str = ""
    ranked: bool = False  # a table of places, the first one first


@dataclass(frozen=True, slots=True)
class Grid:
    """Values by row and column; `links` lead to the records behind each, `shaded` shows how large each is."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    links: tuple[tuple[str, ...], ...]
    shaded: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: an ECharts option without functions, a sentence that says it, and the same data as a table.

    Each column of a grid is one series of the option, a `Series` is the only one.
    """

    option: Mapping[str, Any]
    summary: str
    table: Series | Grid


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What a measure answered: `groups` is empty keys for a single number; money sums carry their currency.

    `in_time` says that the groups are days, weeks, months, quarters or years, in their order; with a second
    dimension `splits` names each row's part. `before` are the figures of the period compared with, `target` what is
    wanted. `divided` names the unit that charts count in (万, M), each of `divisor`.
    """

    groups: tuple[tuple[Any, ...], ...]
    labels: tuple[str, ...]
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    links: tuple[str, ...]
    unit: str = ""
    currency: str = ""
    in_time: bool = False
    name: str = ""
    splits: tuple[str, ...] = ()
    before: tuple[Any, ...] = ()
    before_texts: tuple[str, ...] = ()
    before_links: tuple[str, ...] = ()
    before_name: str = ""
    target: Decimal | None = None
    target_text: str = ""
    at_most: bool = False
    ranks: tuple[int, ...] = ()  # where the groups are options: the place of each among them
    divisor: int = 1
    divided: str = ""


Drawing = Figure | Chart | Series | Grid


@dataclass(frozen=True, slots=True)
class WidgetKind:
    """One kind of dashboard widget: `render` turns measure results and props into something to show."""

    id: str
    props_schema: Mapping[str, Any]
    render: Callable[[Sequence[MeasureResult], Mapping[str, Any]], Drawing]
    min_width: int = 3
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Effect:
    """Something a rule or workflow wants done; applied by the executor, never by who plans it.

    Kinds known to the executor: `set_field` {field, value}, `create_record` {entity, values},
    `update_record` {entity, id, values}, `take_step` {step, values}, `assign` {field, role, by, department},
    `notify` {users, slot, params}, `outbox` {kind, payload}.
    """

    kind: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One kind of rule action: `plan` is pure; it sees the values given and answers with effects."""

    id: str
    schema: Mapping[str, Any]
    plan: Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Effect]]
    expressions: tuple[str, ...] = ()  # keys of `schema` that hold expressions, evaluated before `plan`
    merge: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of behaviour event: its properties' schema, its stage (market, sales, service) and trust."""

    id: str
    schema: Mapping[str, Any]
    stage: str = ""
    trust: str = "manual"


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One way a notification can leave the product."""

    id: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KindsPart:
    """What one contributor (the built-ins, a plugin) adds."""

    owner: str
    definitions: tuple[DefinitionKind, ...] = ()
    fields: tuple[FieldKind, ...] = ()
    widgets: tuple[WidgetKind, ...] = ()
    actions: tuple[ActionKind, ...] = ()
    operators: tuple[Macro, ...] = ()
    events: tuple[EventType, ...] = ()
    channels: tuple[ChannelKind, ...] = ()


class DuplicateKind(Exception):
    """Raised at start when two contributors add the same id; names both."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """All parts as one registry; equal parts give an equal `hash`."""

    definitions: Mapping[str, DefinitionKind]
    fields: Mapping[str, FieldKind]
    widgets: Mapping[str, WidgetKind]
    actions: Mapping[str, ActionKind]
    operators: Mapping[str, Macro]
    events: Mapping[str, EventType]
    channels: Mapping[str, ChannelKind]
    owners: Mapping[str, str]  # "fields.rating" → the contributor
    hash: str

    @classmethod
    def of(cls, parts: Iterable[KindsPart]) -> Kinds:
        """Join parts in order; two contributors with one id raise `DuplicateKind`."""
        groups: dict[str, dict[str, Any]] = {name: {} for name in _GROUPS}
        owners: dict[str, str] = {}
        for part in parts:
            for name in _GROUPS:
                for entry in getattr(part, name):
                    key = f"{name}.{entry.id}"
                    if key in owners:
                        raise DuplicateKind(f"{key} is added by both {owners[key]} and {part.owner}")
                    owners[key] = part.owner
                    groups[name][entry.id] = entry
        frozen = {name: MappingProxyType(entries) for name, entries in groups.items()}
        return cls(**frozen, owners=MappingProxyType(owners), hash=_hash(groups))


_GROUPS = ("definitions", "fields", "widgets", "actions", "operators", "events", "channels")


def _hash(groups: Mapping[str, Mapping[str, Any]]) -> str:
    shape = {
        name: {key: _schema_of(entry) for key, entry in entries.items()} for name, entries in groups.items()
    }
    text = json.dumps([ENGINE_VERSION, shape], sort_keys=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _schema_of(entry: Any) -> Any:
    for name in ("schema", "props_schema", "body"):
        if hasattr(entry, name):
            return getattr(entry, name)
    return None
