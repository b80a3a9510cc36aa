"""Published forms: a link with which anybody makes one kind of record with a few fields, and does nothing else."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.file import FilesCodec
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.context import Cause, ShareLink
from dacheng.runtime.services import form_rules
from dacheng.runtime.services.conditions import Subject, holds
from dacheng.runtime.services.policy import EntityPolicy, compile_policy
from dacheng.runtime.services.saved_views import person_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Beside, Outcome, Write
from dacheng.runtime.storage import file_rows, publications
from dacheng.runtime.storage.publications import PublicationRow, SubmissionRow
from dacheng.runtime.storage.reader import Reader, Transaction

MAX_TITLE, MAX_TEXT, MAX_ORIGINS, MAX_FIELDS, MAX_TRACKED = 120, 4000, 10, 100, 200
SHOWN_SUBMISSIONS = 50
DAY_MS = 86_400_000
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?")
LARGEST_FILE, MOST_FILES = 10_000_000, 5  # of a visitor, in one field
DAILY_BYTES = 200_000_000  # of all visitors of one form


@dataclass(frozen=True, slots=True)
class Terms:
    """What an administrator decides: words, chosen fields, consent, and how much of it one address may send.

    `tracked` is the field that the link's `?t=` goes into; `origins` are sites that may frame the form;
    `per_hour` counts per address; who sends before `wait` seconds have passed is asked to send again.
    """

    title: str
    fields: tuple[str, ...]
    intro: str = ""
    consent: str = ""
    success: str = ""
    tracked: str = ""
    origins: tuple[str, ...] = ()
    per_hour: int = 20
    wait: int = 3
    owner: str = ""

    def json(self) -> dict[str, Json]:
        """As it is kept and as the API gives it."""
        return asdict(self)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Terms:
        """From its JSON; what it does not say is as it is at first."""
        known = {each.name for each in fields(cls)}
        given: dict[str, Any] = {"title": "", "fields": ()}
        given |= {name: value for name, value in body.items() if name in known and value is not None}
        given |= {name: tuple(given[name]) for name in ("fields", "origins") if name in given}
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Publication:
    """One published form as it stands."""

    id: str
    token: str
    seal: str
    entity: str
    terms: Terms
    enabled: bool
    count: int
    version: int

    def json(self) -> dict[str, Json]:
        """As the API gives it."""
        head = {"id": self.id, "entity": self.entity, "link": f"/f/{self.token}", "enabled": self.enabled}
        return {**head, "count": self.count, "version": self.version, **self.terms.json()}


@dataclass(frozen=True, slots=True)
class Sent:
    """What a visitor sends: values, the request's key, the tracked id, consent given, and from where."""

    values: Mapping[str, Json]
    key: str
    tracked: str
    consented: bool
    address: str


# ---------------------------------------------------------------- for administrators
def listed(reader: Reader, work: Work) -> list[Publication]:
    """Every published form, the newest first."""
    _demand_admin(work)
    return [_of(row) for row in reversed(publications.listed(reader))]


def find(reader: Reader, work: Work, ident: str) -> Publication:
    """One of them; refuses with `publication.unknown` when there is none."""
    _demand_admin(work)
    row = publications.find(reader, ident)
    if row is None:
        raise refuse("publication.unknown")
    return _of(row)


def submissions(reader: Reader, work: Work, ident: str) -> list[SubmissionRow]:
    """What came in through one form most recently, with the consent as it was worded."""
    return publications.submissions(reader, find(reader, work, ident).id, SHOWN_SUBMISSIONS)


def publish(tx: Transaction, work: Work, entity: str, terms: Terms) -> Publication:
    """Publish a form; its link holds a secret that cannot be guessed."""
    checked = check(work, entity, terms)
    token, seal = secrets.token_urlsafe(18), secrets.token_hex(16)
    row = PublicationRow(work.context.new_id(), token, seal, entity, checked.json(), True, 0, 1)
    publications.add(tx, row, _now(work))
    return _of(row)


def change(
    tx: Transaction,
    work: Work,
    ident: str,
    *,
    terms: Terms | None = None,
    enabled: bool | None = None,
    version: int | None = None,
) -> Publication:
    """Change its terms, or switch it off or on; with `version`, only from just that one."""
    now = find(tx, work, ident)
    if version is not None and version != now.version:
        raise refuse("publication.moved")
    kept = now.terms if terms is None else check(work, now.entity, terms)
    on = now.enabled if enabled is None else enabled
    row = PublicationRow(now.id, now.token, now.seal, now.entity, kept.json(), on, now.count, now.version + 1)
    if not publications.change(tx, row, now.version, _now(work)):
        raise refuse("publication.moved")
    return _of(row)


def offered(work: Work, entity: str) -> list[Field]:
    """The fields that may stand on a published form: what a stranger can fill in without learning anything."""
    policy = work.entity(entity)
    kept_back = _held(work, entity) | _never_shown(work, policy)
    return [
        each
        for name, each in policy.readable.items()
        if name not in kept_back and _fit(each, policy.writable)
    ]


def _held(work: Work, entity: str) -> frozenset[str]:
    """The field that a workflow alone moves."""
    flow = work.model.catalogue.workflows.get(entity)
    return frozenset({flow.field}) if flow is not None else frozenset()


def _never_shown(work: Work, policy: EntityPolicy) -> frozenset[str]:
    """Fields hidden on a new record whatever a stranger chooses, such as the reason of a later state.

    A condition is decided when nothing it reads can be chosen; one that is left out decides those that read it.
    """
    entity = policy.entity
    flow = work.model.catalogue.workflows.get(entity.ref)
    new = {flow.field: flow.initial} if flow is not None else {}
    subject = Subject(entity, "", new, lambda _ref, _id: None, work.model.catalogue.entities)
    fields = form_rules.conditional(work.model.catalogue.forms.get(entity.ref))
    open_ = {
        name for name, each in policy.readable.items() if name not in new and _fit(each, policy.writable)
    }
    for _ in range(form_rules.MAX_PASSES):
        shut = {
            one.field
            for one in fields
            if one.visible is not None
            and not any(path[0] in open_ for path in one.visible.dependencies)
            and not holds(one.visible, subject, work.context)
        }
        if shut.isdisjoint(open_):
            break
        open_ -= shut
    return frozenset(shut)


def _conditional(work: Work, entity: str) -> frozenset[str]:
    """Fields that the entity's form shows only at times, and empties at others."""
    fields = form_rules.conditional(work.model.catalogue.forms.get(entity))
    return frozenset(each.field for each in fields if each.visible is not None)


def may_publish(policy: EntityPolicy) -> bool:
    """Whether records of this entity can come in from outside: lines come with their record, people never."""
    return policy.entity.parent is None and not policy.entity.ref.startswith("core.")


def publishable(work: Work, entity: str) -> bool:
    """Whether a form over this entity can be published at all: it asks for all that a record needs."""
    policy = work.entity(entity)
    fields = tuple(each.id for each in offered(work, entity))
    return may_publish(policy) and not any(_missing(work, policy, Terms("", fields)))


def check(work: Work, entity: str, terms: Terms) -> Terms:
    """The terms in order, with an owner; raises `Refused` with every problem."""
    person = _demand_admin(work)
    policy = work.entity(entity)
    if not may_publish(policy):
        raise refuse("publication.not_for_entity")
    fit = {each.id: each for each in offered(work, entity)}
    problems = [
        problem("publication.unknown_field", "/fields", name=_named(work, policy, name))
        for name in terms.fields
        if name not in fit
    ]
    problems += _missing(work, policy, terms)
    problems += _of_words(terms)
    bound = _conditional(work, entity)
    if terms.tracked and (
        terms.tracked in bound or terms.tracked not in fit or fit[terms.tracked].codec.type != TEXT
    ):
        problems.append(problem("publication.not_tracked", "/tracked"))
    if not (1 <= terms.per_hour <= 1000):
        problems.append(problem("publication.out_of_range", "/per_hour", low=1, high=1000))
    if not (0 <= terms.wait <= 60):
        problems.append(problem("publication.out_of_range", "/wait", low=0, high=60))
    if problems:
        raise Refused(problems)
    chosen = tuple(dict.fromkeys(name for name in terms.fields if name != terms.tracked))
    return replace(terms, title=terms.title.strip(), fields=chosen, owner=terms.owner or person)


def _fit(one: Field, writable: frozenset[str]) -> bool:
    """A link would show records, and a unique value would tell which ones are taken already."""
    hidden = one.hidden or one.spec.get("x-hidden")
    return (
        one.id in writable
        and one.to is None
        and bool(one.codec.columns)
        and not (one.unique or one.system or hidden)
    )


def _named(work: Work, policy: EntityPolicy, name: str) -> str:
    """The field as people know it; a name that nobody knows as it was written."""
    known = policy.readable.get(name)
    return work.context.labels.field(work.context.locale, known) if known is not None else name


def _missing(work: Work, policy: EntityPolicy, terms: Terms) -> Iterable[Problem]:
    unasked = _held(work, policy.entity.ref) | _never_shown(work, policy)
    if not [name for name in terms.fields if name != terms.tracked]:
        yield problem("publication.no_fields", "/fields")
    for name, each in policy.entity.fields.items():
        needed = each.required and each.default is None and name in policy.writable - unasked
        if needed and name not in {*terms.fields, terms.tracked}:
            yield problem("publication.field_needed", "/fields", name=_named(work, policy, name))


def _of_words(terms: Terms) -> Iterable[Problem]:
    if not (1 <= len(terms.title.strip()) <= MAX_TITLE):
        yield problem("publication.title_needed", "/title", limit=MAX_TITLE)
    for name in ("intro", "consent", "success"):
        if len(getattr(terms, name)) > MAX_TEXT:
            yield problem("publication.too_long", f"/{name}", limit=MAX_TEXT)
    wrong = [each for each in terms.origins if not _ORIGIN.fullmatch(each)]
    if wrong or len(terms.origins) > MAX_ORIGINS:
        yield problem("publication.not_an_origin", "/origins", found=", ".join(wrong)[:200])


# ---------------------------------------------------------------- for visitors
def opened(reader: Reader, token: str) -> Publication:
    """The form behind a link; one switched off answers as one that never was."""
    row = publications.by_token(reader, token)
    if row is None or not row.enabled:
        raise refuse("web.not_found")
    return _of(row)


def visiting(work: Work, form: Publication) -> Work:
    """The same call by the link itself, whoever opened it: it may make a record with these fields, no more."""
    names = ",".join((*form.terms.fields, *([form.terms.tracked] if form.terms.tracked else ())))
    actor = ShareLink(form.id, frozenset({f"create:{form.entity}:{names}"}), form.terms.owner or None)
    context = replace(work.context, actor=actor, cause=Cause("form", form.id))
    return replace(work, context=context, policy=compile_policy(work.model.catalogue, actor))


def submission(work: Work, form: Publication, sent: Sent) -> tuple[Write, Beside]:
    """The save that a visitor asks for, and what is written down beside it, in the same transaction."""
    demand_consent(form, sent.consented)
    values = dict(sent.values)
    if form.terms.tracked:
        values[form.terms.tracked] = sent.tracked[:MAX_TRACKED] or None
    write = Write(action="create", entity=form.entity, values=values, key=sent.key or None)
    consent = form.terms.consent if sent.consented else ""

    def beside(tx: Transaction, outcome: Outcome) -> None:
        where = SubmissionRow(
            work.context.new_id(),
            form.id,
            outcome.id,
            sent.tracked[:MAX_TRACKED],
            consent,
            sent.address,
            _now(work),
        )
        publications.note(tx, where)

    return write, beside


def stamped(form: Publication, at: int) -> str:
    """The moment a visitor opened the form (milliseconds), signed, so that it cannot be made up."""
    sign = hmac.new(form.seal.encode(), str(at).encode(), "sha256").hexdigest()[:32]
    return f"{at}.{sign}"


def demand_read(work: Work, form: Publication, stamp: str) -> None:
    """Refuse what was sent faster than anybody reads, or a day after it was opened, or without a true stamp."""
    at = stamp.partition(".")[0]
    true = at.isdecimal() and len(at) < 16 and hmac.compare_digest(stamp, stamped(form, int(at)))
    if not true or not (form.terms.wait * 1000 <= _now(work) - int(at) <= DAY_MS):
        raise refuse("publication.too_fast")


def demand_room(reader: Reader, work: Work, form: Publication, size: int) -> None:
    """Refuse files beyond what all visitors of a form may send in a day; those of refused sends count too."""
    if size and file_rows.sent_since(reader, form.id, _now(work) - DAY_MS) + size > DAILY_BYTES:
        raise refuse("publication.full")


def for_visitors(one: Field) -> Field:
    """A field as visitors get it: what they may send of files is bounded."""
    if not isinstance(one.codec, FilesCodec):
        return one
    return replace(one, codec=one.codec.narrowed(LARGEST_FILE, MOST_FILES))


def demand_consent(form: Publication, consented: bool) -> None:
    """Refuse what was sent without the consent that the form asks for."""
    if form.terms.consent and not consented:
        raise refuse("publication.consent_needed", "/_consent")


def _demand_admin(work: Work) -> str:
    if not work.policy.admin:
        raise refuse("access.not_permitted")
    return person_of(work)


def _of(row: PublicationRow) -> Publication:
    terms = Terms.of(row.terms)
    return Publication(row.id, row.token, row.seal, row.entity, terms, row.enabled, row.count, row.version)


def _now(work: Work) -> int:
    return int(work.context.now.timestamp() * 1000)
