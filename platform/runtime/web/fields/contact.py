"""Phone, e-mail and web address: a link in cells, the fitting keyboard in forms.

The browser's own address book stays out of them: who fills in a record writes about somebody else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.phone import HOME, PhoneCodec, shown_number
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import EMPTY, TEXTUAL, Cell, Control, FieldView, Setting
from dacheng.runtime.web.fields.long_text import plain_input

_PLAIN = 'autocomplete="off" autocapitalize="off" spellcheck="false"'
SHOWN = 60


class _ContactView(FieldView, ABC):
    """A value that leads out of the product: a link in cells, its bare words where the cell leads to the record."""

    verbatim = True
    operators: tuple[str, ...] = TEXTUAL

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The link."""

        def draw(stored: Sequence[Any]) -> str:
            value = stored[0]
            return EMPTY if value is None else self.link(field, value)

        return draw

    def naming(self, field: Field, setting: Setting) -> Cell:
        """The words alone."""

        def draw(stored: Sequence[Any]) -> str:
            value = stored[0]
            return EMPTY if value is None else escape(self.words(field, value))

        return draw

    @abstractmethod
    def link(self, field: Field, value: str) -> str:
        """The HTML of the link to a value."""

    def words(self, field: Field, value: str) -> str:
        """A value as people read it."""
        return value


class PhoneView(_ContactView):
    """A number, grouped as its country groups it; a tap dials it."""

    operators = ("==", "is_set", "unset")

    def link(self, field: Field, value: str) -> str:
        """`tel:`."""
        shown = escape(self.words(field, value))
        return f'<a class="num nowrap" href="tel:{quote(value, safe="+;=")}">{shown}</a>'

    def words(self, field: Field, value: str) -> str:
        """`138 0013 8000`."""
        return shown_number(value, _region(field))

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line with the dial pad."""
        return plain_input(name, ident, f'type="tel" inputmode="tel" maxlength="40" {_PLAIN}')

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The number as people read it; `read` takes it back."""
        try:
            dialled = field.codec.parse(value)
        except Refused:
            return {name: str(value)}
        return {name: "" if dialled is None else shown_number(dialled, _region(field))}

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """The number as people read it."""
        return self.texts(field, setting, "", operand)[""]


class EmailView(_ContactView):
    """An address; a tap begins a letter."""

    def link(self, field: Field, value: str) -> str:
        """`mailto:`."""
        return f'<a href="mailto:{quote(value, safe="@")}">{escape(value)}</a>'

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line with the keyboard for addresses."""
        return plain_input(name, ident, f'type="email" inputmode="email" maxlength="254" {_PLAIN}')

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line that takes a part of an address too."""
        return plain_input(name, ident, f'inputmode="email" maxlength="254" {_PLAIN}')


class UrlView(_ContactView):
    """A web address; it opens beside the product and learns nothing of it."""

    def link(self, field: Field, value: str) -> str:
        """A link that gives no handle and no address of ours away."""
        shown = escape(self.words(field, value))
        return f'<a href="{escape(value)}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>'

    def words(self, field: Field, value: str) -> str:
        """Without its scheme, cut where it is long."""
        short = value.partition("://")[2].removesuffix("/")
        return short if len(short) <= SHOWN else short[: SHOWN - 1] + "…"

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line with the keyboard for web addresses; a text input, as `example.com` is welcome too."""
        return plain_input(name, ident, f'inputmode="url" maxlength="2000" placeholder="https://" {_PLAIN}')


def _region(field: Field) -> str:
    codec = field.codec
    return codec.region if isinstance(codec, PhoneCodec) else HOME
