"""What a field view is: closures that turn stored values into HTML and posted text into JSON.

A view is bound once per field, locale and zone; its closures then do the least work per value. All
text they give is escaped HTML; static parts were escaped when the closure was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.definition import Field
from dacheng.metadata.derived import Formula
from dacheng.metadata.kinds import Json
from dacheng.metadata.labels import Labels
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.words import Words

Cell = Callable[[Sequence[Any]], str]
Texts = Mapping[str, str]
EMPTY = ""
UNARY = ("is_set", "unset")
TEXTUAL = ("contains", "==", "starts_with", *UNARY)
ORDERED = (">=", "<=", "==", ">", "<", *UNARY)
LISTED = ("has", "has_not")
CHOSEN = ("==", "!=", *UNARY)


@dataclass(frozen=True, slots=True)
class LineColumns:
    """What a person sees of a child entity: its fields in order, those they may set, those summed up, its formulas.

    `carried` are hidden fields whose values go along with their row.
    """

    fields: tuple[Field, ...]
    writable: frozenset[str]
    summed: frozenset[str]
    formulas: tuple[Formula, ...] = ()
    carried: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """For whom a view is bound: labels, locale and its words, the workspace's zone, lines by child entity."""

    labels: Labels
    locale: str
    say: Words
    zone: ZoneInfo
    icons: str
    children: Mapping[str, LineColumns] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Choices:
    """Records a link can be set to: titles by id, in order, and their `<option>`s drawn once."""

    titles: Mapping[str, str]
    html: str

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Choices:
        """The choices of (id, title) pairs."""
        titles = dict(pairs)
        return cls(MappingProxyType(titles), options(titles.items(), ""))

    def drawn(self, chosen: str) -> str:
        """The options, the chosen one selected."""
        if chosen not in self.titles:
            return self.html
        at = f'<option value="{quick_escape(chosen)}"'
        return self.html.replace(at, f"{at} selected", 1)


NO_CHOICES: Mapping[str, Choices] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Marks:
    """How a control stands at this moment.

    `described` are ids of its hint and error, for `aria-describedby`; `choices` are what links can be
    set to, by entity; `problems` are sentences by input name, for controls of several inputs.
    """

    wrong: bool = False
    readonly: bool = False
    required: bool = False
    described: str = ""
    choices: Mapping[str, Choices] = field(default_factory=lambda: NO_CHOICES)
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def attributes(self) -> str:
        """The attributes every single control carries for these marks."""
        return "".join(
            (
                " required" if self.required else "",
                ' aria-invalid="true"' if self.wrong else "",
                f' aria-describedby="{self.described}"' if self.described else "",
            )
        )


Control = Callable[[Texts, Marks], str]


class FieldView:
    """The plain view: a value as its kind writes it, a one-line input. Kinds with more override parts.

    `numeric` values stand right; `block` controls take the whole row of a form.
    """

    numeric = False
    block = False
    operators: tuple[str, ...] = ()  # the conditions a person can build on it, most likely first
    on_days = False  # its conditions speak of days: «on or after», not «at least»
    verbatim = False  # the control shows its text once, escaped and otherwise as it is
    grouped = False  # several inputs under one name: the label is a legend, not a `for`
    long = False  # on the record's page it keeps its line ends
    scripts: tuple[str, ...] = ()  # modules of `static/js` its control needs besides `form.js`
    devices: frozenset[str] = frozenset()  # what its page asks the browser for: camera, microphone…
    uploads = False  # its control sends files: the form is multipart
    roomy = False  # its control wants a form's room: it is never changed in a list's cell

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The closure from a field's stored columns to the inside of a table cell."""
        json_stored = field.codec.json_stored

        def draw(stored: Sequence[Any]) -> str:
            value = json_stored(stored)
            return EMPTY if value is None else escape(str(value))

        return draw

    def naming(self, field: Field, setting: Setting) -> Cell:
        """The cell where it leads to the record: without links of its own."""
        return self.cell(field, setting)

    def fact(self, field: Field, setting: Setting) -> Cell:
        """The value as the record's page shows it, where there is room for all of it."""
        return self.cell(field, setting)

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The closure from texts by input name to the HTML of the control called `name`."""
        head = f'<input class="in" name="{name}" id="{ident}" maxlength="2000"'

        def draw(texts: Texts, marks: Marks) -> str:
            value = escape(texts.get(name, ""))
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{value}"{readonly}{marks.attributes()}>'

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The control of the value that a condition compares with."""
        return self.control(field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """What the inputs of `name` hold for a JSON value."""
        return {name: "" if value is None else str(value)}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The JSON value of what was typed; text that is no value stays text, and is refused later."""
        typed = texts.get(name, "")
        try:
            return field.codec.json(field.codec.parse_text(typed))
        except Refused:
            return typed

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """What the inputs of `name` hold, in the words people know it by."""
        return texts.get(name, "")

    def operand(self, field: Field, value: Json) -> Json:
        """A JSON value as the literal that a condition compares with; None where it is none."""
        return None if value == "" else value

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """A condition's literal in words; of links the title is known elsewhere."""
        return "…" if isinstance(operand, Mapping | list) else str(operand)

    def few(self, field: Field) -> frozenset[str]:
        """The texts that this control alone holds, where they are few; what it then shows depends on nothing else."""
        return frozenset()

    def sent(self, name: str, texts: Texts) -> bool:
        """Whether the form that was sent had this control on it."""
        return name in texts


def quick_escape(text: str) -> str:
    """`html.escape`, at a third of its price for text that needs none."""
    return escape(text) if _special(text) else text


_special = re.compile("[&<>\"']").search


def select(
    name: str, ident: str, pairs: Iterable[tuple[str, str]], chosen: str, label: str, icons: str
) -> str:
    """A select outside of forms, named for screen readers alone; `name` and `ident` are ids."""
    return (
        f'<span class="select"><select class="in" name="{name}" id="{ident}" aria-label="{escape(label)}">'
        f"{options(pairs, chosen)}</select>{symbol(icons, 'down')}</span>"
    )


def options(pairs: Iterable[tuple[str, str]], chosen: str) -> str:
    """`<option>`s of (value, text) pairs, the chosen one selected."""
    return "".join(
        [
            f'<option value="{quick_escape(value)}" selected>{quick_escape(text)}</option>'
            if value == chosen
            else f'<option value="{quick_escape(value)}">{quick_escape(text)}</option>'
            for value, text in pairs
        ]
    )


def symbol(icons: str, name: str, classes: str = "icon icon-s") -> str:
    """One symbol of the icon sheet, hidden from screen readers."""
    return f'<svg class="{classes}" aria-hidden="true"><use href="{icons}#{name}"/></svg>'
