"""What waits for a person, in words: unread notifications, and own records with what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dacheng.runtime.services import inbox, waiting
from dacheng.runtime.services.waiting import Pile, Waiting
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.pages.notifications import Line, lines_of

NEWS = 5


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """One record: where it stands and what it asks for; `late` when a date has passed."""

    title: str
    href: str
    state: str
    said: str
    late: bool


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """One entity's records that wait."""

    title: str
    count: str
    lines: tuple[WaitingLine, ...]


def news(reader: Reader, work: Work) -> tuple[Line, ...]:
    """The latest notifications not read yet."""
    found = inbox.read(reader, work, limit=inbox.PAGE)
    unread = [each for each in found.items if not each.read][:NEWS]
    return lines_of(work, unread)


def waiting_cards(reader: Reader, work: Work, setting: Setting) -> tuple[WaitingCard, ...]:
    """A card for each entity with something that waits."""
    return tuple(_card(work, each, setting) for each in waiting.read(reader, work))


def _card(work: Work, pile: Pile, setting: Setting) -> WaitingCard:
    entities = setting.labels.entity(setting.locale, pile.policy.entity, "plural")
    more = pile.count >= waiting.COUNTED
    return WaitingCard(
        title=setting.say("today.waiting", entities=entities),
        count=f"{waiting.COUNTED}+" if more else str(pile.count),
        lines=tuple(_line(work, pile, each, setting) for each in pile.items),
    )


def _line(work: Work, pile: Pile, one: Waiting, setting: Setting) -> WaitingLine:
    entity = pile.policy.entity
    flow = work.model.catalogue.workflows[entity.ref]
    return WaitingLine(
        title=one.title or setting.say("list.untitled"),
        href=f"/apps/{entity.ref.replace('.', '/')}/{one.id}",
        state=setting.labels.option(setting.locale, pile.policy.readable[flow.field], one.state),
        said=" · ".join(_said(one, setting)),
        late=bool(one.overdue),
    )


def _said(one: Waiting, setting: Setting) -> Iterator[str]:
    labels, locale = setting.labels, setting.locale
    for field, day in one.overdue:
        yield setting.say("today.overdue", field=labels.field(locale, field), day=day)
    if one.missing:
        names = setting.say("today.comma").join(labels.field(locale, each) for each in one.missing)
        yield setting.say("today.missing", fields=names)
