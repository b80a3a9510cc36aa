"""The timeline's card: what to show of it, where its filters and its earlier part are, where a comment goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.record_timeline import KINDS, Timeline
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.form_body import ErrorLine
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.view.timeline import EventShown, Place, timeline


@dataclass(frozen=True, slots=True)
class TimelineCard:
    """`part` names the element that holds these events, `earlier` the address of those before them.

    `comment` is where the form of a new comment posts to, `people` where names for mentions are asked for.
    """

    events: tuple[EventShown, ...]
    part: str
    earlier: str
    earlier_part: str
    filters: tuple[Link, ...]
    kind: str
    comment: str
    people: str
    draft: str = ""
    wrong: tuple[ErrorLine, ...] = ()


def timeline_card(
    found: Timeline, work: Work, policy: EntityPolicy, setting: Setting, place: Place, *, kind: str = "",
    before: int | None = None,
) -> TimelineCard:  # fmt: skip
    """The card of one page of events."""
    page = f"{place.address}/timeline"
    return TimelineCard(
        events=timeline(found, work, policy, setting, place),
        part="timeline" if before is None else f"before-{before}",
        earlier="" if found.next is None else _address(page, {"kind": kind, "before": str(found.next)}),
        earlier_part=f"before-{found.next}",
        filters=tuple(
            Link(setting.say(f"timeline.{each or 'all'}"), _address(page, {"kind": each}), key=each)
            for each in ("", *KINDS)
        ),
        kind=kind,
        comment=f"{place.address}/comments",
        people=f"/api/v1{place.address}/people",
    )


def _address(page: str, asked: Mapping[str, str]) -> str:
    given = {name: value for name, value in asked.items() if value}
    return f"{page}?{urlencode(given)}" if given else page
