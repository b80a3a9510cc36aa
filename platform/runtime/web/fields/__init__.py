"""How each kind of field is shown and set: one module per view, found by the field's `view`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dacheng.metadata.definition import Field
from dacheng.runtime.web.fields import files
from dacheng.runtime.web.fields.address import AddressView
from dacheng.runtime.web.fields.base import FieldView
from dacheng.runtime.web.fields.boolean import BooleanView
from dacheng.runtime.web.fields.checkin import CheckInView
from dacheng.runtime.web.fields.choice import ChoiceView
from dacheng.runtime.web.fields.contact import EmailView, PhoneView, UrlView
from dacheng.runtime.web.fields.date import DatetimeView, DateView
from dacheng.runtime.web.fields.duration import DurationView
from dacheng.runtime.web.fields.json_value import JsonView
from dacheng.runtime.web.fields.lines import LinesView
from dacheng.runtime.web.fields.link import LinkView
from dacheng.runtime.web.fields.links import LinksView
from dacheng.runtime.web.fields.long_text import LongTextView
from dacheng.runtime.web.fields.money import MoneyView
from dacheng.runtime.web.fields.multi_choice import MultiChoiceView
from dacheng.runtime.web.fields.number import NumberView
from dacheng.runtime.web.fields.percent import PercentView
from dacheng.runtime.web.fields.places import GeolocationView
from dacheng.runtime.web.fields.rating import RatingView
from dacheng.runtime.web.fields.rich_text import RichTextView
from dacheng.runtime.web.fields.scan import ScanView
from dacheng.runtime.web.fields.tags import TagsView
from dacheng.runtime.web.fields.text import TextView
from dacheng.runtime.web.fields.time import TimeView

PLAIN = FieldView()


def view_of(field: Field) -> FieldView:
    """The view that draws a field; a kind that brings no view of its own is drawn plainly.

    A roll-up has the view of what it reckons with: money, a day, a moment; one that counts is a number.
    """
    return VIEWS.get("integer" if field.view == "rollup" else field.view, PLAIN)


VIEWS: Mapping[str, FieldView] = MappingProxyType(
    {
        "text": TextView(),
        "integer": NumberView(),
        "decimal": NumberView(),
        "money": MoneyView(),
        "choice": ChoiceView(),
        "date": DateView(),
        "datetime": DatetimeView(),
        "link": LinkView(),
        "links": LinksView(),
        "boolean": BooleanView(),
        "percent": PercentView(),
        "time": TimeView(),
        "duration": DurationView(),
        "rating": RatingView(),
        "long_text": LongTextView(),
        "rich_text": RichTextView(),
        "phone": PhoneView(),
        "email": EmailView(),
        "url": UrlView(),
        "json": JsonView(),
        "lines": LinesView(view_of),
        "multi_choice": MultiChoiceView(),
        "tags": TagsView(),
        "address": AddressView(),
        "geolocation": GeolocationView(),
        "checkin": CheckInView(),
        "scan": ScanView(),
        **files.VIEWS,
    }
)
