"""A form page put together: sections drawn, problems at their fields, both sides of a conflict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem
from dacheng.runtime.web.fields.base import Setting, Texts
from dacheng.runtime.web.fields.lines import LinesView
from dacheng.runtime.web.form_body import ErrorLine
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.view.form import FormMarks, Place, PreparedForm, script_json
from dacheng.runtime.web.view.form_state import Decided
from dacheng.runtime.web.words import sentences

Choices = Mapping[str, list[tuple[str, str]]]


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
    """Everything the form's template shows; `version` 0 is a record that does not exist yet."""

    action: str
    draft: str
    zone: str
    key: str
    version: int
    was: str
    script: Markup
    context: Markup
    parts: tuple[DrawnPart, ...]
    wrong: tuple[ErrorLine, ...] = ()
    conflicts: tuple[Conflict, ...] | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with its texts: what every input holds, and what is wrong, by input name."""

    texts: Texts
    problems: Mapping[str, str]


def draw_parts(
    prepared: PreparedForm, filled: Filled, decided: Decided, choices: Choices
) -> tuple[DrawnPart, ...]:
    """Every section with the texts in its inputs and the marks that hold now."""
    state = decided.state
    marks = FormMarks(state.hidden, state.required, state.readonly, filled.problems, choices)
    return tuple(
        DrawnPart(
            id=part.id,
            title=part.title,
            columns=part.columns,
            html=drawn([place.draw(filled.texts, marks) for place in part.places]),
            hidden=all(place.field.id in state.hidden for place in part.places),
        )
        for part in prepared.parts
    )


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
        k: v
        for k, v in texts.items()
        if (k == name or k.startswith(f"{name}.")) and not k.endswith((".sent", ".title"))
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
        and not key.endswith((".sent", ".title"))
    }
    return _encode(kept)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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
