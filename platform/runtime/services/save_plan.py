"""What one save will do, in order: the request, the changes with their stamps, what rules and plugins are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.kinds import Json
from dacheng.plugins.api import RecordWrite
from dacheng.plugins.context import Cause, User
from dacheng.runtime.services.conditions import Subject
from dacheng.runtime.services.duplicates import Guard
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.rules import Trigger
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.change_log import Stamp
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.record_change import RecordChange

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Write:
    """One save as asked for: `action` is create, update, delete, restore or purge; `values` are raw JSON by field.

    `typed` says that the values are typed already, each by its own field's codec (imports read a text once).
    `transition` names a workflow step to take with an update; `form` the form it came from; `key` makes a
    repeated request the same request. `historic` (imports) takes system fields and any state from the values.
    """

    action: str
    entity: str
    id: str | None = None
    values: Json = field(default_factory=lambda: EMPTY)
    expected_version: int | None = None
    transition: str | None = None
    form: str | None = None
    rules: bool = True
    key: str | None = None
    historic: bool = False
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Changes applied together under one stamp."""

    changes: tuple[RecordChange, ...]
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Happened:
    """One record's planned change as rules see it, or that it is time for it.

    `waited` tells of a rule that waits what it saw: {"since": tree, "span": tree, "due": instant}.
    """

    work: Work
    ref: str
    id: str
    trigger: Trigger
    subject: Subject
    waited: Json = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What a rule made of one happening, to be kept: `outcome` is applied, refused or near."""

    entity: str
    record: str
    rule: str
    outcome: str
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Message:
    """Something for the outbox, under a key that makes it happen once."""

    kind: str
    payload: Mapping[str, Json]
    key: str


@dataclass(slots=True)
class Plan:
    """What one save will do, in order; built by one call and then only read."""

    at_hand: AtHand
    steps: list[Step] = field(default_factory=list)
    writes: list[RecordWrite] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)

    stamped: tuple[Work, Stamp] | None = None

    def stamp(self, work: Work) -> Stamp:
        """The change log's stamp of a call, made once for neighbours."""
        if self.stamped is None or self.stamped[0] is not work:
            self.stamped = (work, stamp_of(work))
        return self.stamped[1]

    @classmethod
    def over(cls, reader: Reader, work: Work) -> Plan:
        """An empty plan that reads through `reader`."""
        return cls(AtHand(reader, work.model))

    def mark(self) -> tuple[int, ...]:
        """How far the plan is, for `back_to`."""
        return (
            len(self.steps),
            len(self.writes),
            len(self.happened),
            len(self.messages),
            len(self.guards),
            len(self.at_hand.journal),
        )

    def back_to(self, mark: tuple[int, ...]) -> None:
        """Take back everything planned since `mark`; traces stay, they tell what was tried."""
        steps, writes, happened, messages, guards, journal = mark
        del self.steps[steps:], self.writes[writes:], self.happened[happened:], self.messages[messages:]
        del self.guards[guards:]
        self.at_hand.back_to(journal)


def stamp_of(work: Work) -> Stamp:
    """The change log's stamp of one call."""
    context = work.context
    cause = context.cause
    person = cause.person or ""
    return Stamp(
        context.actor.id,
        int(context.now.timestamp() * 1000 + 0.5),
        cause.kind,
        cause.id,
        person,
        cause.chain,
        context.zone,
    )


def because_of_rule(work: Work, rule: str) -> Cause:
    """The cause of what a rule does: the rule, the person behind it, the chain of rules so far."""
    cause = work.context.cause
    person = cause.person or (work.context.actor.id if isinstance(work.context.actor, User) else "")
    return Cause("rule", rule, person, (*cause.chain, rule))
