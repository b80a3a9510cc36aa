"""A form, prepared once per definition, locale, labels and policy: its sections, and each field's HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from dacheng.metadata.definition import Field, Form, FormField, Section, Workflow
from dacheng.metadata.expression import Expression
from dacheng.metadata.kinds import Json
from dacheng.runtime.services.form_defaults import defaults_of
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import (
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    quick_escape,
    symbol,
)
from dacheng.runtime.web.fields.choice import is_segmented
from dacheng.runtime.web.fields.computed import computed_control, is_computed
from dacheng.runtime.web.view.form_place import Calm, Draw, FormMarks, Links, Part, Place
from dacheng.runtime.web.view.form_script import (
    asks_of,
    computed_of,
    conditions_of,
    own_figures,
    script_of_form,
)

GENERATED = "generated"
HOLE = "-hole-in-a-control-"


@dataclass(frozen=True, slots=True)
class PreparedForm:
    """A form ready to draw. `script` is the JSON its browser side reads: conditions and kinds by field."""

    form: Form
    declared: bool
    parts: tuple[Part, ...]
    places: Mapping[str, Place]
    script: str
    setting: Setting
    rules: tuple[Expression, ...]  # every condition of its places
    links: Links
    asks: bool  # whether its browser side has the server follow up what is chosen in it
    defaults: tuple[str, ...]  # of a new record: fields that start with a value

    @property
    def scripts(self) -> tuple[str, ...]:
        """The modules its controls need, each once."""
        found = dict.fromkeys(each for place in self.places.values() for each in place.view.scripts)
        columns = (each for child in self.setting.children.values() for each in child.fields)
        fields = (*(place.field for place in self.places.values()), *columns)
        narrowed = any(each.depends_on for each in fields)
        return (*found, *(("cascades.js",) if narrowed else ()))

    @property
    def devices(self) -> frozenset[str]:
        """The devices its controls use."""
        return frozenset(each for place in self.places.values() for each in place.view.devices)

    @property
    def uploads(self) -> bool:
        """Whether it sends files."""
        return any(place.view.uploads and place.writable for place in self.places.values())

    @property
    def computes(self) -> bool:
        """Whether anything on it, or in its lines, is computed."""
        return any(is_computed(place.field) or _brings(place, self.setting) for place in self.places.values())

    def texts(self, record: Mapping[str, Json]) -> dict[str, str]:
        """What every input holds for a record's JSON values."""
        found: dict[str, str] = {}
        for name, place in self.places.items():
            value = record.get(name)
            if place.as_text:
                found[name] = "" if value is None else str(value)
            else:
                found |= place.view.texts(place.field, self.setting, name, value)
        return found

    def read(self, texts: Texts) -> dict[str, Json]:
        """The JSON values of the fields that were sent and may be set."""
        return {
            name: place.view.read(place.field, self.setting, name, texts)
            for name, place in self.places.items()
            if place.writable and place.view.sent(name, texts)
        }


def generated_form(entity: EntityPolicy) -> Form:
    """The form of an entity that declares none: its fields in order, lines on rows of their own."""
    shown = [f for f in entity.readable.values() if not f.system and not f.spec.get("x-hidden")]
    if "owner" in entity.writable:
        shown.append(entity.readable["owner"])
    fields = tuple(
        FormField(f.id, order, span="full" if is_wide(f) else "half") for order, f in enumerate(shown)
    )
    return Form(GENERATED, entity.entity.ref, (Section(GENERATED, 0, 2, fields),))


def is_wide(one: Field) -> bool:
    """Whether a field takes a row of its own where nothing says otherwise."""
    tall = bool(one.spec.get("x-multiline")) or int(one.spec.get("maxLength", 0)) >= 300
    return tall or view_of(one).block


def prepare_form(
    form: Form | None, entity: EntityPolicy, workflow: Workflow | None, setting: Setting, *, creating: bool
) -> PreparedForm:
    """The form for everyone with this policy and locale.

    Fields one may not see are left out. What may not be set stands readonly, and not at all while
    the record does not exist yet; so does the field of a workflow, which changes by steps alone.
    """
    chosen = form or generated_form(entity)
    held = {workflow.field} if workflow is not None else set()
    parts = []
    for section in sorted(chosen.sections, key=lambda s: (s.order, s.id)):
        places = tuple(
            _place(entity.readable[one.field], one, entity, setting, held, _title(form, section, setting))
            for one in sorted(section.fields, key=lambda f: (f.order, f.field))
            if _shown(entity, one.field, held, creating)
        )
        if places:
            parts.append(Part(section.id, _title(form, section, setting), section.columns, places))
    by_name = {place.field.id: place for part in parts for place in part.places}
    rules = (*conditions_of(by_name.values()), *computed_of(by_name.values(), entity))
    defaults = defaults_of(entity.entity, form) if creating else {}
    moving = {name: each for name, each in defaults.items() if name in by_name and name in entity.writable}
    asks = asks_of(by_name, rules, moving, entity.entity)
    return PreparedForm(
        form=chosen,
        declared=form is not None,
        parts=tuple(parts),
        places=MappingProxyType(by_name),
        script=script_of_form(by_name.values(), entity, setting, asks),
        setting=setting,
        rules=rules,
        links=_links(by_name.values(), setting),
        asks=bool(asks) or any(_brings(place, setting) for place in by_name.values()),
        defaults=tuple(name for name in defaults if name in by_name and by_name[name].writable),
    )


def _links(places: Iterable[Place], setting: Setting) -> Links:
    own, of_lines = [], []
    targets: dict[str, None] = {}
    for place in places:
        one = place.field
        if one.leads_to_records and one.to:
            own.append((one.id, one.to))
            targets.update({one.to: None} if place.writable else {})
        child = setting.children.get(one.to or "") if one.is_lines else None
        for column in child.fields if child is not None else ():
            if column.leads_to_records and column.to:
                of_lines.append((one.id, column.id, column.to))
                targets.update({column.to: None} if child and column.id in child.writable else {})
    return Links(tuple(targets), tuple(own), tuple(of_lines))


def _brings(place: Place, setting: Setting) -> bool:
    """Whether a line of it holds anything that follows from the rest of that line."""
    child = setting.children.get(place.field.to or "") if place.field.is_lines else None
    return child is not None and any(
        is_computed(each) or (each.default is not None and bool(each.default.dependencies))
        for each in child.fields
    )


def _shown(entity: EntityPolicy, name: str, held: set[str], creating: bool) -> bool:
    if name not in entity.readable or entity.readable[name].spec.get("x-hidden"):
        return False
    return not creating or (name not in held and _starts(entity, name))


def _starts(entity: EntityPolicy, name: str) -> bool:
    """Whether a field can hold anything before its record is there: what is typed, and what follows from it."""
    field, figures = entity.readable[name], own_figures(entity)
    if field.shows:
        return field.shows[0].id in entity.writable
    if name in figures:
        return figures[name][1] in entity.writable
    return name in entity.writable or field.kind == "formula"


def _title(form: Form | None, section: Section, setting: Setting) -> str:
    if form is None:
        return ""
    app = form.entity.split(".", 1)[0]
    return setting.labels.text(setting.locale, app, f"section:{form.id}.{section.id}")


def _place(
    one: Field, rules: FormField, entity: EntityPolicy, setting: Setting, held: set[str], title: str
) -> Place:
    view, label = view_of(one), setting.labels.field(setting.locale, one)
    writable = one.id in entity.writable and one.id not in held
    draw = _drawing(one, view, rules, label, writable, setting, said=label == title)
    as_text = type(view).texts is FieldView.texts
    return Place(one, view, label, writable, rules, draw, _calm(draw, one, view), as_text)


def _drawing(
    one: Field, view: FieldView, rules: FormField, label: str, writable: bool, setting: Setting, *, said: bool
) -> Callable[[Texts, FormMarks], str]:
    """The closure of one field: label, control, hint and error around what may change.

    `said` is a label that the section's title has said already: it stays for screen readers alone.
    """
    name, ident = one.id, f"f-{one.id}"
    computed = is_computed(one)
    control = (computed_control if computed else _control)(one, view, setting, name, ident)
    wide = " field-full" if rules.span == "full" or view.block else ""
    ruled = " by-rule" if rules.visible is not None else ""
    help_text = escape(setting.labels.help(setting.locale, one))
    grouped = not computed and (view.grouped or is_segmented(one))
    opening, closing = (
        (f'<span class="{"sr" if said else "label"}" id="{ident}-label">', "</span>")
        if grouped
        else (f'<label for="{ident}" id="{ident}-label">', "</label>")
    )
    must = f'<span class="sr">{escape(setting.say("shell.required"))}</span>'
    star = f'<span class="required" data-star aria-hidden="true">*</span>{must if grouped else ""}'
    no_star = '<span class="required" data-star aria-hidden="true" hidden>*</span>'
    why = (
        f'<span class="why">{symbol(setting.icons, "branch")}{escape(setting.say("form.by_rule"))}</span>'
        if ruled
        else ""
    )
    hint = f'<p class="hint" id="{ident}-hint">{help_text}</p>' if help_text else ""
    mark = symbol(setting.icons, "h-risk", "icon")

    def draw(texts: Texts, marks: FormMarks) -> str:
        error = marks.problems.get(name, "")
        required = (one.required or name in marks.required) and writable
        described = " ".join(
            part for part in (f"{ident}-hint" if hint else "", f"{ident}-error" if error else "") if part
        )
        own = Marks(
            bool(error),
            not writable or name in marks.readonly,
            required,
            described,
            marks.choices,
            marks.problems,
        )
        hidden = " hidden" if name in marks.hidden else ""
        wrong = " is-wrong" if error else ""
        return (
            f'<div class="field{wide}{ruled}{wrong}" data-field="{name}"{hidden}>'
            f"{opening}<span>{escape(label)}{star if required else no_star}</span>{why}{closing}"
            f"{control(texts, own)}{hint}"
            f'<p class="error" id="{ident}-error"{"" if error else " hidden"}>{mark}<span>{escape(error)}</span></p></div>'
        )

    return draw


def _control(one: Field, view: FieldView, setting: Setting, name: str, ident: str) -> Control:
    return view.control(one, setting, name, ident)


def _calm(draw: Draw, one: Field, view: FieldView) -> Calm | None:
    """The field's HTML for a text where nothing is marked: what stands around the text, or for each of a few, is kept."""
    if is_computed(one):
        return None
    few = view.few(one)
    if view.verbatim:
        return _calm_around(draw, one.id)
    return _calm_of_few(draw, one.id, few) if few else None


def _calm_around(draw: Draw, name: str) -> Calm | None:
    """For a control that shows its text once and as it is."""
    around = draw({name: HOLE}, FormMarks()).split(HOLE)
    if len(around) != 2:
        return None
    before, behind = around
    return lambda text: f"{before}{quick_escape(text)}{behind}"


def _calm_of_few(draw: Draw, name: str, few: frozenset[str]) -> Calm:
    """For a control whose text is one of a few: each is drawn once, when it is first shown."""
    kept: dict[str, str] = {}

    def calm(text: str) -> str:
        found = kept.get(text)
        if found is None:
            found = draw({name: text}, FormMarks())
            if text in few:
                kept[text] = found
        return found

    return calm
