"""Records that are there already, in words: by name where one may see them, else what is told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from dacheng.runtime.services.duplicates import Duplicate
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Setting

NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DuplicateShown:
    """One of them: its title, where it is (empty where it may not be seen), why it is the same, what is told."""

    title: str
    href: str
    why: str
    told: tuple[str, ...]
    taken: str = ""  # the unique fields whose value it has, so that no other may be saved with it
    claim: str = ""  # where an arbiter is asked to decide, of one that keeps the asker out


def compared(work: Work, policy: EntityPolicy) -> tuple[str, ...]:
    """The fields by which records of the entity are compared, as far as the person may read them."""
    matches = work.model.catalogue.matches.get(policy.entity.ref, ())
    names = dict.fromkeys(key.field for match in matches for key in match.keys)
    return tuple(name for name in names if name in policy.readable)


def shown(
    found: Sequence[Duplicate], policy: EntityPolicy, setting: Setting, texts: Mapping[str, str] = NO_TEXTS
) -> tuple[DuplicateShown, ...]:
    """Each duplicate as the page says it; `texts` are the inputs that were compared, for a claim to carry them."""
    asked = urlencode([(name, text) for name, text in texts.items() if text])
    claim = f"/apps/{policy.entity.ref.replace('.', '/')}/claims/new?{asked}" if asked else ""
    return tuple(_shown(one, policy, setting, claim if one.keeps_out else "") for one in found)


def compared_texts(names: Collection[str], texts: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a form that hold what is compared."""
    return {name: text[:2000] for name, text in texts.items() if name.split(".", 1)[0] in names}


def _shown(one: Duplicate, policy: EntityPolicy, setting: Setting, claim: str) -> DuplicateShown:
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
        taken=separator.join(labels.field(locale, policy.readable[name]) for name in one.taken),
        claim=claim,
    )
