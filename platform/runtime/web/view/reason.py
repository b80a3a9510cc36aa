"""Why something was refused, in one line for a card or a cell: each problem, with its field's name."""

from __future__ import annotations

from collections.abc import Iterable

from dacheng.metadata.problem import Problem
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workflow import GUARD, guard_slot
from dacheng.runtime.web.words import sentences, words


def reason_of(work: Work, policy: EntityPolicy, problems: Iterable[Problem]) -> str:
    """The problems as sentences; of a field one may not see nothing but what happened."""
    return sentences(work.context.locale, *(_reason(work, policy, each) for each in problems))


def message_of(work: Work, ref: str, one: Problem) -> str:
    """What happened; a step that its guard refused says what has to hold, where the app has words for it."""
    locale, flow = work.context.locale, work.model.catalogue.workflows.get(ref)
    if one.code != GUARD or flow is None:
        return one.message_in(locale)
    said = work.context.labels.text(locale, flow.app, guard_slot(flow, str(one.params.get("step", ""))))
    return said or one.message_in(locale)


def _reason(work: Work, policy: EntityPolicy, one: Problem) -> str:
    field = policy.readable.get(one.pointer.strip("/"))
    say, locale = words(work.context.locale), work.context.locale
    if field is not None and one.code == "workflow.required":
        return say("list.fill_first", field=work.context.labels.field(locale, field))
    if field is not None:
        label = work.context.labels.field(locale, field)
        return say("form.problem", field=label, message=one.message_in(locale))
    return message_of(work, policy.entity.ref, one)
