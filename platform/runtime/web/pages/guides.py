"""The guided start: from an empty workspace to one's own figures, each step with how far it is and where it is done."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import guided_start
from dacheng.runtime.services.guided_start import GuideState, StepState
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, work_of

PAGES = {
    "people": "/settings/people",
    "labels": "/labels?app={app}",
    "import": "/import",
    "marketplace": "/marketplace/{app}",
    "workspace": "/settings/workspace",
}


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step as its line shows it."""

    title: str
    help: str
    href: str
    day: int
    done: bool
    have: int
    want: int


@dataclass(frozen=True, slots=True)
class GuideCard:
    """A guide in one line: how many of its steps are done."""

    title: str
    app: str
    href: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidePage(Page):
    """A guide with all its steps, on one of its days."""

    card: GuideCard
    day: int
    days: int
    steps: tuple[StepLine, ...]


def card_of(work: Work, state: GuideState) -> GuideCard:
    """A guide's card, in the words of its app."""
    labels, locale, guide = work.model.labels, work.context.locale, state.guide
    return GuideCard(
        labels.text(locale, guide.app, f"guide:{guide.id}") or guide.id,
        labels.text(locale, guide.app, "app"),
        f"/start/{guide.app}/{guide.id}",
        state.done,
        len(state.steps),
    )


async def show(request: Request) -> Response:
    """One guide."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: guided_start.guides(reader, work))
    app, name = request.path_params["app"], request.path_params["guide"]
    state = next((each for each in found if (each.guide.app, each.guide.id) == (app, name)), None)
    if state is None:
        raise refuse("web.not_found")
    card = card_of(work, state)
    page = GuidePage(
        title=card.title,
        current="today",
        back="/",
        card=card,
        day=min(state.day, state.guide.days),
        days=state.guide.days,
        steps=tuple(_line(work, state, each) for each in state.steps),
    )
    return render(request, "guide.html", page)


def _line(work: Work, state: GuideState, each: StepState) -> StepLine:
    labels, locale, guide = work.model.labels, work.context.locale, state.guide
    slot = f"{guide.id}.{each.step.id}"
    return StepLine(
        labels.text(locale, guide.app, f"step:{slot}") or each.step.id,
        labels.text(locale, guide.app, f"help:{slot}"),
        _href(work, guide.app, each.step.leads),
        each.step.day,
        each.done,
        each.have,
        each.want,
    )


def _href(work: Work, app: str, leads: tuple[str, str]) -> str:
    kind, name = leads
    match kind:
        case "entity":
            return f"/apps/{name.replace('.', '/')}"
        case "dashboard":
            return f"/apps/{app}/dashboards/{name}"
        case "list":
            view = work.model.catalogue.apps[app].lists[name]
            return f"/apps/{view.entity.replace('.', '/')}?view={name}"
        case _:
            return PAGES[name].format(app=app)


ROUTES = (Route("/start/{app}/{guide}", show, BUILDER),)
