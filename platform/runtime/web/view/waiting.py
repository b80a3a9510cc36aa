"""What waits for a person, in words: unread notifications, and own records with what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dacheng.runtime.services import claims, inbox, waiting
from dacheng.runtime.services.waiting import Pile, Waiting
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.pages.notifications import Line, lines_of

NEWS = 5
FEW = 4
DAYS = 7  # that an import with errors is reminded of


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """One record: where it stands and what it asks for; `late` when a date has passed."""

    title: str
    href: str
    state: str
    said: str
    late: bool
    icon: str = ""  # where the line is not about a record of one's own


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """Some things that wait; `all` leads to every one of them, where there is such a page."""

    title: str
    count: str
    lines: tuple[WaitingLine, ...]
    all: str = ""


def news(reader: Reader, work: Work) -> tuple[Line, ...]:
    """The latest notifications not read yet."""
    found = inbox.read(reader, work, limit=inbox.PAGE)
    unread = [each for each in found.items if not each.read][:NEWS]
    return lines_of(work, unread)


def waiting_cards(reader: Reader, work: Work, setting: Setting) -> tuple[WaitingCard, ...]:
    """A card for each entity with something that waits."""
    return tuple(_card(work, each, "today.waiting", setting) for each in waiting.read(reader, work))


def team_cards(reader: Reader, work: Work, setting: Setting) -> tuple[WaitingCard, ...]:
    """A card for each entity with something late among the reader's people."""
    return tuple(_card(work, each, "today.team_late", setting) for each in waiting.team(reader, work))


def claim_card(reader: Reader, work: Work, setting: Setting) -> WaitingCard | None:
    """The claims that wait for the reader's decision, the longest waiting first."""
    found = claims.to_decide(reader, work)
    lines = tuple(
        WaitingLine(
            title=one.title,
            href=f"/claims#claim-{one.id}",
            state=setting.say("claims.open"),
            said=setting.say("claims.claimed_by", who=one.claimant),
            late=False,
            icon="warn",
        )
        for one in found[:FEW]
    )
    return WaitingCard(setting.say("claims.waiting"), str(len(found)), lines, "/claims") if found else None


def import_card(reader: Reader, work: Work, setting: Setting) -> WaitingCard | None:
    """The reader's own imports of the last days that left rows behind."""
    since = int(work.context.now.timestamp() * 1000) - DAYS * 86_400_000
    runs = imports.runs(reader, actor=work.context.actor.id, limit=20)
    left = [run for run in runs if run.failed and run.started_at >= since]
    lines = tuple(
        WaitingLine(
            title=run.file_name,
            href=f"/import/{run.id}",
            state="",
            said=setting.say("today.import_left", count=run.failed, shown=f"{run.failed:,}"),
            late=True,
            icon="upload",
        )
        for run in left[:FEW]
    )
    return WaitingCard(setting.say("today.imports"), str(len(left)), lines) if left else None


def _card(work: Work, pile: Pile, key: str, setting: Setting) -> WaitingCard:
    entities = setting.labels.entity(setting.locale, pile.policy.entity, "plural")
    more = pile.count >= waiting.COUNTED
    return WaitingCard(
        title=setting.say(key, entities=entities),
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
        said=" · ".join([*([one.owner] if one.owner else []), *_said(one, setting)]),
        late=bool(one.overdue),
    )


def _said(one: Waiting, setting: Setting) -> Iterator[str]:
    labels, locale = setting.labels, setting.locale
    for field, day in one.overdue:
        yield setting.say("today.overdue", field=labels.field(locale, field), day=day)
    if one.missing:
        names = setting.say("today.comma").join(labels.field(locale, each) for each in one.missing)
        yield setting.say("today.missing", fields=names)
