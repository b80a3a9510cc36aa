"""Claims to records that a colleague registered first: asked by who is kept out, decided by an arbiter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.runtime.services import claims, duplicates
from dacheng.runtime.services.claims import Claim
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_form, read_pairs, wrong_with
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.duplicates import typed
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view.duplicates import DuplicateShown, compared, compared_texts, shown
from dacheng.runtime.web.view.setting import setting_of

ACCEPT, REFUSE = "accept", "refuse"
GONE = frozenset({"claim.missing", "record.missing", "query.unknown_entity"})


@dataclass(frozen=True, slots=True)
class ClaimShown:
    """One claim in words; `href` leads to the record, where its reader may see it."""

    id: str
    title: str
    href: str
    entity: str
    owner: str
    claimant: str
    said: str
    reason: str
    at: str
    when: str
    outcome: str
    tone: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsPage(Page):
    """What waits for the reader as an arbiter, what was decided lately, and their own claims.

    `wrong` and `draft` belong to the claim `at`, whose decision was refused.
    """

    waiting: tuple[ClaimShown, ...]
    decided: tuple[ClaimShown, ...]
    own: tuple[ClaimShown, ...]
    arbiter: bool
    wrong: Wrong = NOTHING_WRONG
    at: str = ""
    draft: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClaimPage(Page):
    """What keeps the reader out, and the reason why the record is theirs; `texts` are what they typed."""

    action: str
    found: tuple[DuplicateShown, ...]
    texts: tuple[tuple[str, str], ...]
    reason: str
    wrong: Wrong


async def show_claims(request: Request) -> Response:
    """The claims that concern the reader."""
    return await _show(request)


async def decide(request: Request) -> Response:
    """Accept a claim, or refuse it with a reason."""
    form = await read_form(request, "do", "answer")
    work, ident = work_of(request), str(request.path_params["id"])
    if form["do"] not in (ACCEPT, REFUSE):
        raise refuse("web.not_understood")
    accept = form["do"] == ACCEPT
    try:
        await claims.decide(host_of(request).db, work, ident, form["answer"], accept=accept)
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        return await _show(request, refused.problems, ident, form["answer"])
    response = RedirectResponse("/claims", 303)
    flash(response, "claims.accepted_now" if accept else "claims.refused_now")
    return response


async def show_new(request: Request) -> Response:
    """What is in the way of the values in the address, and room for a reason."""
    return await _show_new(request, dict(request.query_params), "", ())


async def ask(request: Request) -> Response:
    """Send the claim to the arbiters."""
    sent = dict(await read_pairs(request))
    work, ref, reason = work_of(request), _ref(request), sent.pop("_reason", "")
    policy, setting = work.entity(ref), setting_of(work)
    values = typed(work, policy, setting, sent)
    try:
        await host_of(request).db.write(lambda tx: claims.claim(tx, work, ref, values, reason))
    except Refused as refused:
        return await _show_new(request, sent, reason, refused.problems)
    response = RedirectResponse("/claims", 303)
    flash(response, "claims.asked")
    return response


def _ref(request: Request) -> str:
    return f"{request.path_params['app']}.{request.path_params['entity']}"


async def _show(
    request: Request, problems: Sequence[Problem] = (), at: str = "", draft: str = ""
) -> Response:
    work, setting = work_of(request), setting_of(work_of(request))

    def read(reader: Reader) -> tuple[list[Claim], list[Claim], list[Claim]]:
        return (
            claims.to_decide(reader, work),
            claims.lately_decided(reader, work),
            claims.own(reader, work),
        )

    waiting, decided, own = await host_of(request).db.read(read)
    page = ClaimsPage(
        title=setting.say("claims.title"),
        current="claims",
        back="/",
        waiting=tuple(_line(work, each, setting) for each in waiting),
        decided=tuple(_line(work, each, setting) for each in decided),
        own=tuple(_line(work, each, setting) for each in own),
        arbiter=claims.is_arbiter(work),
        wrong=wrong_with(problems, setting.locale, ("answer",)),
        at=at,
        draft=draft,
    )
    return render(request, "claims.html", page, status=status_of(problems) if problems else 200)


def _line(work: Work, one: Claim, setting: Setting) -> ClaimShown:
    at = datetime.fromtimestamp(one.at / 1000, work.context.zone)
    policy = work.policy.entity(one.entity)
    outcome, tone = ("open", "watch") if one.accepted is None else ("refused", "neutral")
    if one.accepted:
        outcome, tone = "accepted", "good"
    return ClaimShown(
        id=one.id,
        title=one.title or one.said,
        href=f"/apps/{one.entity.replace('.', '/')}/{one.record}" if one.title else "",
        entity=setting.labels.entity(setting.locale, policy.entity) if policy is not None else "",
        owner=one.owner,
        claimant=one.claimant,
        said=one.said,
        reason=one.reason,
        at=at.isoformat(timespec="seconds"),
        when=f"{at:%m-%d %H:%M}",
        outcome=setting.say(f"claims.{outcome}", who=one.decider),
        tone=tone,
        answer=one.answer,
    )


async def _show_new(
    request: Request, texts: dict[str, str], reason: str, problems: Sequence[Problem]
) -> Response:
    work, ref = work_of(request), _ref(request)
    policy, setting = work.entity(ref), setting_of(work)
    if not policy.may("create"):
        raise refuse("access.not_permitted")
    asked = compared_texts(compared(work, policy), texts)
    values = typed(work, policy, setting, asked)
    found = await host_of(request).db.read(lambda reader: duplicates.find(reader, work, ref, values))
    path = f"/apps/{ref.replace('.', '/')}"
    page = NewClaimPage(
        title=setting.say("claims.new"),
        current=ref,
        crumbs=(Link(setting.labels.entity(setting.locale, policy.entity, "plural"), path),),
        back=path,
        action=f"{path}/claims/new",
        found=shown([each for each in found if each.keeps_out], policy, setting),
        texts=tuple(asked.items()),
        reason=reason,
        wrong=wrong_with(problems, setting.locale, ("reason",)),
    )
    return render(request, "claim_new.html", page, status=status_of(problems) if problems else 200)


ROUTES = (
    Route("/claims", show_claims, SIGNED_IN),
    Route("/claims/{id}", decide, SIGNED_IN, ("POST",), per_minute=120),
    Route("/apps/{app}/{entity}/claims/new", show_new, SIGNED_IN),
    Route("/apps/{app}/{entity}/claims/new", ask, SIGNED_IN, ("POST",), per_minute=30),
)
