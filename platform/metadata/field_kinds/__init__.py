"""The built-in field kinds: one file each behind the interface of `kinds.FieldKind`."""

from __future__ import annotations

from dacheng.metadata.field_kinds.address import AddressKind
from dacheng.metadata.field_kinds.autonumber import Autonumber
from dacheng.metadata.field_kinds.boolean import Boolean
from dacheng.metadata.field_kinds.checkin import CheckInKind
from dacheng.metadata.field_kinds.choice import Choice
from dacheng.metadata.field_kinds.date import Date
from dacheng.metadata.field_kinds.datetime import Datetime
from dacheng.metadata.field_kinds.decimal import Decimal
from dacheng.metadata.field_kinds.duration import Duration
from dacheng.metadata.field_kinds.email import Email
from dacheng.metadata.field_kinds.file import File
from dacheng.metadata.field_kinds.formula import Formula
from dacheng.metadata.field_kinds.geolocation import Geolocation
from dacheng.metadata.field_kinds.image import Image
from dacheng.metadata.field_kinds.integer import Integer
from dacheng.metadata.field_kinds.json_value import JsonKind
from dacheng.metadata.field_kinds.lines import Lines
from dacheng.metadata.field_kinds.link import Link
from dacheng.metadata.field_kinds.links import Links
from dacheng.metadata.field_kinds.long_text import LongText
from dacheng.metadata.field_kinds.lookup import Lookup
from dacheng.metadata.field_kinds.money import MoneyKind
from dacheng.metadata.field_kinds.multi_choice import MultiChoice
from dacheng.metadata.field_kinds.people import Department, User
from dacheng.metadata.field_kinds.percent import Percent
from dacheng.metadata.field_kinds.phone import Phone
from dacheng.metadata.field_kinds.photo import Photo
from dacheng.metadata.field_kinds.rating import Rating
from dacheng.metadata.field_kinds.rich_text import RichText
from dacheng.metadata.field_kinds.rollup import Rollup
from dacheng.metadata.field_kinds.scan import Scan
from dacheng.metadata.field_kinds.signature import Signature
from dacheng.metadata.field_kinds.tags import Tags
from dacheng.metadata.field_kinds.text import Text
from dacheng.metadata.field_kinds.time import Time
from dacheng.metadata.field_kinds.url import Url
from dacheng.metadata.field_kinds.voice import Voice
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
    Links(),
    User(),
    Department(),
    Lines(),
    Rollup(),
    Formula(),
    Lookup(),
    Autonumber(),
    LongText(),
    RichText(),
    Percent(),
    Boolean(),
    Time(),
    Duration(),
    Phone(),
    Email(),
    Url(),
    Rating(),
    JsonKind(),
    MultiChoice(),
    AddressKind(),
    Geolocation(),
    CheckInKind(),
    Scan(),
    Tags(),
    File(),
    Image(),
    Photo(),
    Signature(),
    Voice(),
)
