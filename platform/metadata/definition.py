"""What an app says, as frozen dataclasses: the raw package, and the compiled app that everything reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.derived import Formula, Rollup
from dacheng.metadata.expression import Expression, ListOf, RecordOf
from dacheng.metadata.guide import Guide
from dacheng.metadata.kinds import Codec, Json, Shape, Spec
from dacheng.metadata.measures import Dashboard, Measure
from dacheng.metadata.option import Option
from dacheng.metadata.timing import Timing, Watch

EMPTY: Mapping[Any, Any] = MappingProxyType({})


# ---------------------------------------------------------------- the package, as written
@dataclass(frozen=True, slots=True)
class Package:
    """One package as read: manifest, items by (kind, id), labels and terms by locale, data sets, assets.

    `labels[locale][slot]` and `terms[locale][term][form]` are text; `files` maps (kind, id) to the file an
    item came from, for problems.
    """

    manifest: Mapping[str, Any]
    items: Mapping[tuple[str, str], Mapping[str, Any]]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: EMPTY)
    terms: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=lambda: EMPTY)
    files: Mapping[tuple[str, str], str] = field(default_factory=lambda: EMPTY)
    assets: Mapping[str, bytes] = field(default_factory=lambda: EMPTY)
    hash: str = ""

    @property
    def id(self) -> str:
        """The app's id."""
        return str(self.manifest["id"])

    @property
    def version(self) -> str:
        """The package's version, `major.minor.patch`."""
        return str(self.manifest["version"])


# ---------------------------------------------------------------- the compiled app
@dataclass(frozen=True, slots=True)
class Field:
    """One field with its kind bound: `codec` does every conversion, `spec` is its definition as folded."""

    id: str
    entity: str
    kind: str
    view: str
    shape: Shape
    spec: Spec
    codec: Codec
    order: int = 0
    required: bool = False
    unique: bool = False
    searchable: bool = False
    indexed: bool = False
    derived: bool = False
    system: bool = False
    to: str | None = None  # link, links: the entity they lead to; lines: the child entity
    on_delete: str = "clear"  # link, links: restrict, clear or cascade (lines only)
    options: tuple[Option, ...] = ()
    default: Expression | None = None
    hidden: bool = False  # hidden by a layer: on no form and in no list unless one names it
    sortable: bool = True
    assigned: bool = False  # given when a record is made, never written by people
    virtual: bool = False  # computed when it is read: no column holds it
    shows: tuple[Field, ...] = ()  # a lookup: the fields from here to the one whose value it shows
    names: Field | None = None  # a formula that gives one of another field's options: that field

    @property
    def ref(self) -> str:
        """`app.entity.field`."""
        return f"{self.entity}.{self.id}"

    @property
    def depends_on(self) -> str | None:
        """The choice that says which of its options are offered."""
        found: str | None = self.spec.get("x-depends-on")
        return found

    @property
    def is_link(self) -> bool:
        """Whether it holds the id of one record, of the entity `to`."""
        return self.shape is Shape.LINK

    @property
    def is_links(self) -> bool:
        """Whether it holds the ids of several records, of the entity `to`."""
        return self.shape is Shape.LINKS

    @property
    def leads_to_records(self) -> bool:
        """Whether it holds ids of records of the entity `to`, one or several."""
        return self.shape in (Shape.LINK, Shape.LINKS)

    @property
    def is_lines(self) -> bool:
        """Whether it stands for rows of the child entity `to` and has no column."""
        return self.shape is Shape.LINES

    @property
    def is_listed(self) -> bool:
        """Whether it holds a list of texts; lists of records are lines."""
        return isinstance(self.codec.type, ListOf)

    @property
    def is_files(self) -> bool:
        """Whether it holds a list of ids of files."""
        return self.shape is Shape.FILES

    @property
    def is_momentary(self) -> bool:
        """Whether it is computed for each reader anew, so that nothing is sorted, filtered, grouped or measured by it."""
        return self.virtual and not self.shows

    @property
    def slot(self) -> str:
        """Its label's slot within the app."""
        return f"field:{self.entity.split('.', 1)[1]}.{self.id}"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: its fields in order (system fields last), its table, and the schema records are held to."""

    id: str
    app: str
    table: str
    title: str
    fields: Mapping[str, Field]
    schema: Mapping[str, Any]
    scope: RecordOf
    parent: str | None = None  # child of lines: the entity whose lines these are
    parent_field: str | None = None  # the system link field that leads to the parent
    owned: bool = True
    rollups: tuple[Rollup, ...] = ()
    formulas: tuple[Formula, ...] = ()  # each behind those it looks at
    unique_together: tuple[tuple[str, ...], ...] = ()
    icon: str = "file"

    @property
    def ref(self) -> str:
        """`app.entity`."""
        return f"{self.app}.{self.id}"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field's place on a form with its conditions; hidden means not required."""

    field: str
    order: int
    span: str = "half"
    visible: Expression | None = None
    required: Expression | None = None
    readonly: Expression | None = None
    default: Expression | None = None
    when_hidden: str = "keep"  # keep or clear the value


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of fields on a form."""

    id: str
    order: int
    columns: int
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form over one entity; `default` is the one used when none is named; `layout` is page, tabs or steps."""

    id: str
    entity: str
    sections: tuple[Section, ...]
    default: bool = False
    layout: str = "page"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list: a path over at most three links, ending in a field."""

    id: str
    path: tuple[str, ...]
    order: int


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key."""

    path: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListView:
    """A list over one entity."""

    id: str
    entity: str
    columns: tuple[Column, ...]
    sort: tuple[Sort, ...]
    filter: Expression | None = None
    filters: tuple[str, ...] = ()  # fields offered as quick filters
    page_size: int = 50
    order: int = 0
    default: bool = False
    kind: str = "table"  # table, board or calendar
    on: str = ""  # board: the choice field that makes its columns; calendar: the day or instant
    group: tuple[tuple[str, ...], ...] = ()  # paths that rows are grouped by, outermost first


@dataclass(frozen=True, slots=True)
class State:
    """One state of a workflow: an option of its choice field, with the key fields asked for there."""

    id: str
    order: int
    kind: str = "open"  # open, won, lost, done
    key_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A permitted move: from some states to one, for some roles, under a guard, with required fields."""

    id: str
    order: int
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    guard: Expression | None
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A state machine over one choice field of an entity; the field changes by transitions alone."""

    id: str
    app: str
    entity: str
    field: str
    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class RuleAction:
    """One THEN: its action kind, its fixed params and the expressions to be evaluated into params."""

    id: str
    kind: str
    order: int
    params: Mapping[str, Any]
    expressions: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Rule:
    """IF–THEN on records: triggers `created`, `updated`, `deleted`, `changed` fields, `entered` states."""

    id: str
    app: str
    entity: str
    order: int
    triggers: Mapping[str, Any]
    condition: Expression | None
    actions: tuple[RuleAction, ...]
    enabled: bool = True
    on_refused: str = "abort"
    timing: Timing | None = None


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One way in which two records are the same: a field, and what of its value counts.

    `compare` is exact, text (case and width aside), company (a firm's name without its legal form and place
    brackets), digits (a phone) or host (a web or mail address's domain).
    """

    id: str
    field: str
    compare: str


@dataclass(frozen=True, slots=True)
class Match:
    """What makes two records of an entity the same in the real world, and what follows.

    Of a match that the asker may not see, `discloses` are the only fields told. For `protection_days` after
    its creation a record may not be made again by others, but for people with one of the roles `arbiters`, who decide.
    """

    id: str
    app: str
    entity: str
    keys: tuple[MatchKey, ...]
    discloses: tuple[str, ...] = ()
    refuses: bool = False
    protection_days: int = 0
    arbiters: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """`app.match`."""
        return f"{self.app}.{self.id}"


@dataclass(frozen=True, slots=True)
class FieldGrant:
    """What a role may do with one field; `declassified` shows a derived figure without its inputs."""

    read: bool = True
    write: bool = True
    declassified: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """A role's rights on one entity: each action True, False, or an expression that rows must meet."""

    entity: str
    create: bool | Expression = False
    read: bool | Expression = False
    update: bool | Expression = False
    delete: bool | Expression = False
    export: bool = False
    share_views: bool = False
    fields: Mapping[str, FieldGrant] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of grants. `admin` (package `core` alone) may do everything, and build."""

    id: str
    app: str
    grants: Mapping[str, Grant]
    admin: bool = False

    @property
    def ref(self) -> str:
        """`app.role`."""
        return f"{self.app}.{self.id}"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of an app's navigation: kind entity (target `app.entity`), dashboard or list (the item's id).

    Its words stand in the slot `nav:{id}`, which falls back to those of the target. Entries of one `group` stand
    together under its heading, the slot `group:{group}`; those of none come first, under the app's name.
    """

    kind: str
    target: str
    icon: str
    id: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class CompiledApp:
    """One app, resolved and typed. Immutable; `hash` covers the folded content and the Kinds."""

    id: str
    version: str
    hash: str
    requires: Mapping[str, str]
    locales: tuple[str, ...]
    icon: str
    navigation: tuple[NavItem, ...]
    entities: Mapping[str, Entity]
    forms: Mapping[str, Form]
    lists: Mapping[str, ListView]
    measures: Mapping[str, Measure]
    dashboards: Mapping[str, Dashboard]
    workflows: Mapping[str, Workflow]
    rules: Mapping[str, Rule]
    roles: Mapping[str, Role]
    matches: Mapping[str, Match]
    data: Mapping[str, Mapping[str, Any]]
    others: Mapping[str, Mapping[str, Mapping[str, Any]]]  # kinds that plugins declare
    automation: Mapping[str, Grant] = field(default_factory=lambda: EMPTY)  # what rules may do
    manifest: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    scenarios: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    guides: Mapping[str, Guide] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All installed apps, compiled together; the only thing runtime code asks about definitions."""

    apps: Mapping[str, CompiledApp]
    entities: Mapping[str, Entity]  # by "app.entity"
    roles: Mapping[str, Role]  # by "app.role"
    measures: Mapping[str, Measure]  # by "app.measure"
    forms: Mapping[str, Form]  # default form by entity reference
    lists: Mapping[str, ListView]  # default list by entity reference
    workflows: Mapping[str, Workflow]  # by entity reference
    matches: Mapping[str, tuple[Match, ...]]  # by entity reference
    rules: Mapping[str, tuple[Rule, ...]]  # by entity reference, in firing order
    timed: Mapping[str, Rule]  # rules that time fires, by "app.rule"
    watches: Mapping[str, tuple[Watch, ...]]  # who waits for changes of an entity
    children: Mapping[str, tuple[str, ...]]  # entity reference → references of its line entities
    links: Mapping[str, tuple[tuple[str, str], ...]]  # entity → (entity, link field) that point to it
    many_links: Mapping[str, tuple[tuple[str, str], ...]]  # the same for fields of links
    hash: str


@dataclass(frozen=True, slots=True)
class LayerOperation:
    """One small edit of a layer, with the base value it was made against.

    `op` is set, add, remove, move, hide, label or term; it addresses (kind, item, path); for labels
    `path` is (locale, slot), for terms (locale, term, form); `value` and `base` are JSON. `parked`: what it
    was about is gone from the base; it waits, without effect, in case a later version brings it back.
    """

    op: str
    kind: str
    item: str
    path: tuple[str, ...]
    value: Json = None
    base: Json = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """An ordered list of operations by one owner: a pack's id, or `workspace`."""

    owner: str
    app: str
    operations: tuple[LayerOperation, ...]
