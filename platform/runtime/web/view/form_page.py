"""A form page put together: sections drawn, problems at their fields, both sides of a conflict."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import orjson
from markupsafe import Markup, escape

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem
from dacheng.runtime.web.fields.base import Choices, Setting, Texts
from dacheng.runtime.web.fields.lines import LinesView
from dacheng.runtime.web.form_body import ErrorLine
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.view.duplicates import DuplicateShown
from dacheng.runtime.web.view.form import PreparedForm
from dacheng.runtime.web.view.form_place import FormMarks, Part, Place
from dacheng.runtime.web.view.form_script import script_json
from dacheng.runtime.web.view.form_state import Decided
from dacheng.runtime.web.words import sentences

UNSAID = (".sent", ".title", "._auto")  # what goes along with a field and is no value of it
HOLES = ("title", "back", "action", "draft", "key", "version", "was", "auto", "follow", "record")


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """A section as HTML."""

    id: str
    title: str
    columns: int
    html: Markup
    hidden: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field someone else saved meanwhile: their value, and the person's own (None: not changed here)."""

    label: str
    theirs: str
    yours: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage(Page):
    """Everything the form's template shows; `version` is empty for a record that does not exist yet.

    `form` names the prepared form; a form in which nothing is wrong is filled into what is kept for it.
    """

    form: Hashable
    action: str
    draft: str
    zone: str
    key: str
    version: str
    was: str
    script: Markup
    context: Markup
    parts: tuple[DrawnPart, ...]
    layout: str = "page"
    wrong: tuple[ErrorLine, ...] = ()
    multipart: bool = False
    auto: str = ""  # which defaults the form put in
    follow: str = ""  # where its browser side asks what follows from what was chosen
    compared: str = ""  # the fields by which the record may be there already
    record: str = ""
    list: str = ""
    duplicates: tuple[DuplicateShown, ...] = ()
    conflicts: tuple[Conflict, ...] | None = None

    def mould(self) -> Hashable | None:
        """The form, whether its record exists, and which sections are hidden."""
        if self.wrong or self.duplicates or self.conflicts is not None:
            return None
        return self.form, self.version == "", tuple([part.hidden for part in self.parts])

    def hollow(self, hole: Callable[[str], str]) -> FormPage:
        """The form without title, addresses, fields, and what the browser sends back."""
        holes: dict[str, Any] = {name: hole(name) for name in HOLES}
        parts = [replace(part, html=drawn(hole(f"part{at}"))) for at, part in enumerate(self.parts)]
        if not self.version:
            holes["version"] = ""
        return replace(self, **holes, context=drawn(hole("context")), parts=tuple(parts))

    def filling(self) -> Mapping[str, str]:
        """Texts escaped, parts as they are."""
        filling: dict[str, str] = {name: escape(getattr(self, name)) for name in HOLES}
        filling["context"] = self.context
        for at, part in enumerate(self.parts):
            filling[f"part{at}"] = part.html
        return filling


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with its texts: what every input holds, and what is wrong, by input name."""

    texts: Texts
    problems: Mapping[str, str]


def draw_parts(
    prepared: PreparedForm, filled: Filled, decided: Decided, choices: Mapping[str, Choices]
) -> tuple[DrawnPart, ...]:
    """Every section with the texts in its inputs and the marks that hold now."""
    state = decided.state
    marks = FormMarks(state.hidden, state.required, state.readonly, filled.problems, choices)
    marked = marks.marked
    return tuple(
        DrawnPart(
            id=part.id,
            title=part.title,
            columns=part.columns,
            html=drawn(_fields(part, filled.texts, marks, marked)),
            hidden=all(place.field.id in state.hidden for place in part.places),
        )
        for part in prepared.parts
    )


def _fields(part: Part, texts: Texts, marks: FormMarks, marked: Set[str]) -> list[str]:
    return [
        place.draw(texts, marks)
        if place.calm is None or place.field.id in marked
        else place.calm(texts.get(place.field.id, ""))
        for place in part.places
    ]


def context_script(decided: Decided) -> Markup:
    """The JSON block that the browser's conditions start from."""
    return drawn(script_json(decided.context))


def compacted(prepared: PreparedForm, texts: Texts) -> dict[str, str]:
    """The texts with empty lines taken out, so that a problem's line number is the line's."""
    found = dict(texts)
    for name, place in prepared.places.items():
        if isinstance(place.view, LinesView) and place.view.sent(name, found):
            found = place.view.compact(place.field, prepared.setting, name, found)
    return found


def own_texts(place: Place, texts: Texts) -> dict[str, str]:
    """The inputs of one field alone."""
    name = place.field.id
    return {
        k: v for k, v in texts.items() if (k == name or k.startswith(f"{name}.")) and not k.endswith(UNSAID)
    }


def changed_fields(prepared: PreparedForm, texts: Texts, was: Texts) -> set[str]:
    """The fields whose inputs hold something else than when the form was opened."""
    return {
        name
        for name, place in prepared.places.items()
        if place.writable
        and place.view.sent(name, texts)
        and _filled(own_texts(place, texts)) != _filled(own_texts(place, was))
    }


def was_text(prepared: PreparedForm, texts: Texts) -> str:
    """What the inputs held when the form was opened, to know later what the person changed."""
    places = prepared.places
    kept = {
        key: text
        for key, text in texts.items()
        if text
        and (place := places.get(key.partition(".")[0])) is not None
        and place.writable
        and not key.endswith(UNSAID)
    }
    return _encode(kept)


def auto_text(prepared: PreparedForm, texts: Texts, given: Mapping[str, Json]) -> str:
    """What the inputs of defaults hold in a new form: while they hold it, nobody has touched them."""
    own = {name for name in prepared.defaults if name not in given}
    return was_text(prepared, {key: text for key, text in texts.items() if key.partition(".")[0] in own})


def alike(one: Texts, other: Texts) -> bool:
    """Whether the inputs of a field hold the same."""
    return _filled(one) == _filled(other)


def _encode(kept: Mapping[str, str]) -> str:
    return orjson.dumps(kept).decode()


def was_of(text: str) -> dict[str, str] | None:
    """`was_text` read back; None when it is not what this page wrote."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return None
    return {str(key): value for key, value in found.items()}


def placed_problems(
    prepared: PreparedForm, problems: Iterable[Problem]
) -> tuple[dict[str, str], tuple[ErrorLine, ...]]:
    """Problems by input name, and the summary's lines in order; what has no field stands in the summary alone."""
    setting = prepared.setting
    fields: dict[str, str] = {}
    summary: list[ErrorLine] = []
    for one in problems:
        text = sentences(setting.locale, one.message_in(setting.locale), one.hint_in(setting.locale))
        steps = [step.replace("~1", "/").replace("~0", "~") for step in one.pointer.split("/")[1:]]
        place = prepared.places.get(steps[0]) if steps else None
        if place is None:
            summary.append(ErrorLine(text))
            continue
        name = ".".join(steps[:3]) if len(steps) >= 3 and isinstance(place.view, LinesView) else steps[0]
        fields.setdefault(name, text)
        summary.append(ErrorLine(_said(place, steps, text, setting), f"#f-{name}"))
    return fields, tuple(summary)


def conflicts_of(
    prepared: PreparedForm,
    theirs: Iterable[str],
    now: Texts,
    mine: set[str],
    texts: Texts,
    show: Callable[[str], str],
) -> tuple[Conflict, ...]:
    """The fields someone else changed, with both values as people read them; `show` names linked records."""
    return tuple(
        Conflict(
            prepared.places[name].label,
            _readable(prepared.places[name], now, prepared.setting, show),
            _readable(prepared.places[name], texts, prepared.setting, show) if name in mine else None,
        )
        for name in theirs
    )


def _said(place: Place, steps: list[str], text: str, setting: Setting) -> str:
    if len(steps) >= 3 and isinstance(place.view, LinesView):
        child = setting.children.get(place.field.to or "")
        column = next((f for f in child.fields if f.id == steps[2]), None) if child is not None else None
        name = setting.labels.field(setting.locale, column) if column is not None else steps[2]
        line = int(steps[1]) + 1 if steps[1].isdigit() else 1
        return setting.say("form.problem_line", field=place.label, line=line, column=name, message=text)
    return setting.say("form.problem", field=place.label, message=text)


def _readable(place: Place, texts: Texts, setting: Setting, show: Callable[[str], str]) -> str:
    field, name = place.field, place.field.id
    text = texts.get(name, "")
    if isinstance(place.view, LinesView):
        return setting.say("record.lines_changed")
    if not text:
        return setting.say("record.empty_value")
    return show(text) if field.is_link else place.view.reading(field, setting, name, texts)


def _filled(texts: Mapping[str, str]) -> dict[str, str]:
    """Only what holds anything; a currency counts with its amount alone."""
    return {
        key: text
        for key, text in texts.items()
        if text.strip()
        and not (key.endswith(".currency") and not texts.get(key.removesuffix(".currency"), "").strip())
    }


def read_changed(prepared: PreparedForm, texts: Texts, names: set[str]) -> dict[str, Json]:
    """The JSON values of the fields named."""
    return {name: value for name, value in prepared.read(texts).items() if name in names}
