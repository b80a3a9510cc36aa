"""The built-in field kinds: one file each behind the interface of `kinds.FieldKind`."""

from __future__ import annotations

from dacheng.metadata.field_kinds.choice import Choice
from dacheng.metadata.field_kinds.date import Date
from dacheng.metadata.field_kinds.datetime import Datetime
from dacheng.metadata.field_kinds.decimal import Decimal
from dacheng.metadata.field_kinds.integer import Integer
from dacheng.metadata.field_kinds.lines import Lines
from dacheng.metadata.field_kinds.link import Link
from dacheng.metadata.field_kinds.money import MoneyKind
from dacheng.metadata.field_kinds.people import Department, User
from dacheng.metadata.field_kinds.rollup import Rollup
from dacheng.metadata.field_kinds.text import Text
from dacheng.metadata.kinds import FieldKind

BUILTIN: tuple[FieldKind, ...] = (
    Text(),
    Integer(),
    Decimal(),
    MoneyKind(),
    Choice(),
    Date(),
    Datetime(),
    Link(),
    User(),
    Department(),
    Lines(),
    Rollup(),
)
