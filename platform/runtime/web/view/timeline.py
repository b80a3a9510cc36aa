"""A record's history in words: who changed what and when, saves that belong together as one event, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.services.history import PEOPLE, Entry, History
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.rule_traces import Why
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.markup import NOTHING, drawn
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
class Event:
    """One save as a person thinks of it: the record with its lines."""

    icon: str
    title: str
    by: str
    at: str
    when: str
    changes: tuple[ChangeShown, ...]
    whys: tuple[WhyShown, ...]


def timeline(
    found: History, whys: Sequence[Why], work: Work, policy: EntityPolicy, setting: Setting
) -> tuple[Event, ...]:
    """The events, the latest first; a rule's own changes carry the rule's reasons."""
    groups: dict[tuple[int, str, str, str], list[Entry]] = {}
    for entry in found.entries:
        groups.setdefault((entry.at, entry.cause_kind, entry.cause, entry.person), []).append(entry)
    return tuple(_event(entries, found, whys, work, policy, setting) for entries in groups.values())


def _event(
    entries: Sequence[Entry],
    found: History,
    whys: Sequence[Why],
    work: Work,
    policy: EntityPolicy,
    setting: Setting,
) -> Event:
    own = [entry for entry in entries if not entry.line]
    first = (own or list(entries))[0]
    action = first.action if own else "update"
    at = datetime.fromtimestamp(first.at / 1000, setting.zone)
    changes = [
        _change(change.field, change.before, change.after, found, setting)
        for entry in own
        if action == "update"
        for change in entry.changes
    ]
    if len(own) < len(entries) and action == "update":
        changes.append(ChangeShown(setting.say("record.lines_changed"), NOTHING, NOTHING))
    reasons = [
        why for why in whys if first.cause_kind == "rule" and why.rule == first.cause and why.at == first.at
    ]
    return Event(
        icon="branch" if first.cause_kind == "rule" else ICONS.get(action, "history"),
        title=setting.say(f"record.{TITLES.get(action, 'updated')}"),
        by=_by(first, found, work, setting),
        at=at.isoformat(timespec="seconds"),
        when=f"{at:%Y-%m-%d %H:%M}",
        changes=tuple(changes),
        whys=tuple(_why(one, work, policy, setting) for one in reasons),
    )


def _by(entry: Entry, found: History, work: Work, setting: Setting) -> str:
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


def _change(field: Field, before: Json, after: Json, found: History, setting: Setting) -> ChangeShown:
    empty = Markup.escape(setting.say("record.empty_value"))
    old, new = _value(field, before, found, setting), _value(field, after, found, setting)
    return ChangeShown(setting.labels.field(setting.locale, field), old, new or empty)


def _value(field: Field, value: Json, found: History, setting: Setting) -> Markup:
    if value is None:
        return NOTHING
    if field.options and isinstance(value, str):
        return Markup.escape(setting.labels.option(setting.locale, field, str(value)))
    if field.is_link:
        return Markup.escape(
            found.titles.get(field.to or "", {}).get(str(value)) or setting.say("field.unseen")
        )
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
    return "" if isinstance(value, list | Mapping) else str(value)
