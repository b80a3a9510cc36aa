"""What happened to a record in words: who changed or said what and when, which rules did something, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.services.comments import Comment
from dacheng.runtime.services.history import PEOPLE, Entry
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.record_timeline import Event, Timeline
from dacheng.runtime.services.rule_traces import Why
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.view.comment_text import comment_body
from dacheng.runtime.web.view.filters import NAMES

ICONS = {"create": "plus", "update": "design", "delete": "trash", "restore": "undo", "purge": "trash"}
TITLES = {"create": "created", "update": "updated", "delete": "was_deleted", "restore": "was_restored"}
LONGEST = 120
JOINING = ("and", "or", "!")


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """One field's change; a value that was empty before shows no `before`."""

    label: str
    before: Markup
    after: Markup


@dataclass(frozen=True, slots=True)
class WhyShown:
    """One rule's reasons, a line each."""

    rule: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommentShown:
    """A comment as HTML, and where its own forms post to; empty addresses where they are not for the reader."""

    id: str
    text: str
    body: Markup
    mentions: str
    edited: bool
    edit: str
    delete: str


@dataclass(frozen=True, slots=True)
class EventShown:
    """One save as a person thinks of it (the record with its lines), one comment, or one rule's look.

    `undo` is the address that takes the save back; empty where that is not possible.
    """

    kind: str
    icon: str
    title: str
    by: str
    at: str
    when: str
    changes: tuple[ChangeShown, ...] = ()
    whys: tuple[WhyShown, ...] = ()
    undo: str = ""
    comment: CommentShown | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The record whose timeline is shown: its address, and whether its reader may change it."""

    address: str
    writable: bool


def timeline(
    found: Timeline, work: Work, policy: EntityPolicy, setting: Setting, place: Place
) -> tuple[EventShown, ...]:
    """The events, the latest first; a rule's own changes carry the rule's reasons."""
    return tuple(_event(each, found, work, policy, setting, place) for each in found.events)


def _event(
    event: Event, found: Timeline, work: Work, policy: EntityPolicy, setting: Setting, place: Place
) -> EventShown:
    moment = datetime.fromtimestamp(event.at / 1000, setting.zone)
    at, when = moment.isoformat(timespec="seconds"), f"{moment:%Y-%m-%d %H:%M}"
    whys = tuple(_why(each, work, policy, setting) for each in event.whys)
    if event.comment is not None:
        said = event.comment
        by = said.author_name or setting.say("record.someone")
        return EventShown("comment", "chat", by, "", at, when, comment=_comment(said, place, setting))
    if event.file is not None:
        return _file(event.file, at, when, setting)
    if not event.entries:
        outcome = setting.say(f"timeline.rule_{event.whys[0].outcome}")
        return EventShown("rule", "branch", whys[0].rule, outcome, at, when, whys=whys)
    own = [entry for entry in event.entries if not entry.line]
    first = (own or list(event.entries))[0]
    action = first.action if own else "update"
    return EventShown(
        kind=event.kind,
        icon="branch" if event.kind == "rule" else _icon(first, action),
        title=setting.say(_title(first, action)),
        by=_by(first, found, work, setting),
        at=at,
        when=when,
        changes=tuple(_changes(event.entries, own, action, found, setting)),
        whys=whys,
        undo=_undo(first, action, work, policy, place),
    )


def _file(one: Attachment, at: str, when: str, setting: Setting) -> EventShown:
    gone = one.removed_at is not None
    by = (one.remover if gone else one.author) or setting.say("record.someone")
    title = setting.say("timeline.file_removed" if gone else "timeline.file_added", name=one.file.name)
    return EventShown("file", "trash" if gone else "file", title, by, at, when)


def _comment(said: Comment, place: Place, setting: Setting) -> CommentShown:
    address = f"{place.address}/comments/{said.id}"
    return CommentShown(
        id=said.id,
        text=said.text,
        body=comment_body(said.text, [name for _, name in said.mentions]),
        mentions=json.dumps(list(said.mentions), ensure_ascii=False),
        edited=said.edited_at is not None,
        edit=f"{address}/edit" if "edit" in said.may else "",
        delete=f"{address}/delete" if "delete" in said.may else "",
    )


def _icon(entry: Entry, action: str) -> str:
    return "undo" if entry.cause_kind == "undo" else ICONS.get(action, "history")


def _title(entry: Entry, action: str) -> str:
    if entry.cause_kind == "undo":
        return "timeline.undone"
    if entry.cause_kind == "handover":
        return "timeline.handed_over"
    if entry.cause_kind == "claim":
        return "timeline.claimed"
    return f"record.{TITLES.get(action, 'updated')}"


def _changes(
    entries: Sequence[Entry], own: Sequence[Entry], action: str, found: Timeline, setting: Setting
) -> Iterator[ChangeShown]:
    if action != "update":
        return
    for entry in own:
        for change in entry.changes:
            yield _change(change.field, change.before, change.after, found, setting)
    if len(own) < len(entries):
        yield ChangeShown(setting.say("record.lines_changed"), NOTHING, NOTHING)


def _undo(entry: Entry, action: str, work: Work, policy: EntityPolicy, place: Place) -> str:
    """Where the save can be taken back: an update of fields one may write, no step of a workflow."""
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    names = {change.field.id for change in entry.changes}
    stepped = flow is not None and flow.field in names
    if not place.writable or action != "update" or stepped:
        return ""
    if not entry.line and not names & policy.writable:
        return ""
    return f"{place.address}/changes/{entry.seq}/undo"


def _by(entry: Entry, found: Timeline, work: Work, setting: Setting) -> str:
    say = setting.say
    person = found.titles.get(PEOPLE, {}).get(entry.person or entry.actor, "")
    if entry.cause_kind == "rule":
        return say("record.by_rule", rule=_rule_name(entry.cause, work, setting))
    if entry.cause_kind in ("import", "install"):
        name = say(f"record.by_{entry.cause_kind}")
        return f"{name} · {person}" if person else name
    return person or say("record.by_system" if entry.cause_kind == "system" else "record.someone")


def _rule_name(rule: str, work: Work, setting: Setting) -> str:
    app, _, name = rule.rpartition(".")
    for each in work.model.catalogue.apps.values():
        if (not app or each.id == app) and name in each.rules:
            return setting.labels.text(setting.locale, each.id, f"rule:{name}")
    return name


def _change(field: Field, before: Json, after: Json, found: Timeline, setting: Setting) -> ChangeShown:
    empty = Markup.escape(setting.say("record.empty_value"))
    old, new = _value(field, before, found, setting), _value(field, after, found, setting)
    return ChangeShown(setting.labels.field(setting.locale, field), old, new or empty)


def _value(field: Field, value: Json, found: Timeline, setting: Setting) -> Markup:
    if value is None:
        return NOTHING
    if field.options and isinstance(value, str):
        return Markup.escape(setting.labels.option(setting.locale, field, str(value)))
    if field.is_link:
        return Markup.escape(
            found.titles.get(field.to or "", {}).get(str(value)) or setting.say("field.unseen")
        )
    if field.is_links and isinstance(value, list):
        known, unseen = found.titles.get(field.to or "", {}), setting.say("field.unseen")
        return Markup.escape("、".join(known.get(str(each)) or unseen for each in value))
    if field.view == "text":
        text = str(value)
        return Markup.escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
    try:
        stored = field.codec.store(field.codec.parse(value))
    except Refused:
        return Markup.escape(str(value))
    return drawn(view_of(field).cell(field, setting)(stored)) if stored else NOTHING


# ---------------------------------------------------------------- why
def _why(why: Why, work: Work, policy: EntityPolicy, setting: Setting) -> WhyShown:
    lines = list(_reasons(why.condition, policy.entity, policy, setting)) if why.condition else []
    for effect in why.effects:
        params = effect.get("params", {})
        field = policy.readable.get(str(params.get("field", ""))) if isinstance(params, Mapping) else None
        if field is not None:
            label = setting.labels.field(setting.locale, field)
            lines.append(
                setting.say(
                    "record.why_effect", field=label, value=_plain(field, params.get("value"), setting)
                )
            )
    return WhyShown(_rule_name(why.rule, work, setting), tuple(lines) or (setting.say("record.why_always"),))


def _reasons(tree: Json, entity: Entity, policy: EntityPolicy, setting: Setting) -> Iterator[str]:
    """A line for each comparison of the condition: what was compared, and whether it held."""
    if not isinstance(tree, Mapping) or tree.get("hidden"):
        return
    args = [arg for arg in tree.get("args", ()) if isinstance(arg, Mapping)]
    if tree.get("op") in JOINING:
        for arg in args:
            yield from _reasons(arg, entity, policy, setting)
        return
    held = setting.say("record.why_held" if tree.get("value") is True else "record.why_not")
    named = [arg for arg in args if arg.get("path")]
    field = (
        policy.readable.get(str(named[0]["path"]).removeprefix("$before.").split(".", 1)[0])
        if named
        else None
    )
    if field is None:
        return
    label, operator = setting.labels.field(setting.locale, field), str(tree.get("op"))
    others = [_plain(field, arg.get("value"), setting) for arg in args if not arg.get("path")]
    name = NAMES.get(operator)
    verb = setting.say(f"list.op_{name}") if name else operator
    sentence = setting.say("list.condition", field=label, operator=verb, value=" ".join(others)).strip()
    yield f"{sentence} · {held}"


def _plain(field: Field, value: Json, setting: Setting) -> str:
    if value is None:
        return setting.say("record.empty_value")
    if field.options and isinstance(value, str):
        return setting.labels.option(setting.locale, field, value)
    if field.options and isinstance(value, list):
        return "、".join(setting.labels.option(setting.locale, field, str(each)) for each in value)
    return "" if isinstance(value, list | Mapping) else str(value)
