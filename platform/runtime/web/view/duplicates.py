"""Records that are there already, in words: by name where one may see them, else what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dacheng.runtime.services.duplicates import Duplicate
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Setting


@dataclass(frozen=True, slots=True)
class DuplicateShown:
    """One of them: its title, where it is (empty where it may not be seen), why it is the same, what is told."""

    title: str
    href: str
    why: str
    told: tuple[str, ...]


def compared(work: Work, policy: EntityPolicy) -> tuple[str, ...]:
    """The fields by which records of the entity are compared, as far as the person may read them."""
    matches = work.model.catalogue.matches.get(policy.entity.ref, ())
    names = dict.fromkeys(key.field for match in matches for key in match.keys)
    return tuple(name for name in names if name in policy.readable)


def shown(found: Sequence[Duplicate], policy: EntityPolicy, setting: Setting) -> tuple[DuplicateShown, ...]:
    """Each duplicate as the page says it."""
    return tuple(_shown(one, policy, setting) for one in found)


def _shown(one: Duplicate, policy: EntityPolicy, setting: Setting) -> DuplicateShown:
    say, labels, locale = setting.say, setting.labels, setting.locale
    names = [labels.field(locale, policy.readable[name]) for name in dict.fromkeys(one.fields)]
    told = [
        say(
            "duplicates.told",
            field=labels.field(locale, each.field),
            value=each.text or say("record.empty_value"),
        )
        for each in one.disclosed
    ]
    if one.protected_until is not None:
        told.append(say("duplicates.protected", day=one.protected_until.isoformat()))
    separator = "、" if locale == "zh-CN" else ", "
    return DuplicateShown(
        title=one.title or (say("list.untitled") if one.id else say("duplicates.unseen")),
        href=f"/apps/{policy.entity.ref.replace('.', '/')}/{one.id}" if one.id else "",
        why=say("duplicates.same", fields=separator.join(names)),
        told=tuple(told),
    )
