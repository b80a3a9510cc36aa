"""A guided start is worked out from the workspace itself: what is done shows, nothing is ticked off by hand."""

from __future__ import annotations

from dataclasses import dataclass

from dacheng.metadata.definition import CompiledApp
from dacheng.metadata.guide import Guide, GuideStep
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts, imports, packages, sample_records
from dacheng.runtime.storage.reader import Reader

DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class StepState:
    """One step with how far it is: `have` of `want`."""

    step: GuideStep
    have: int
    want: int

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.have >= self.want


@dataclass(frozen=True, slots=True)
class GuideState:
    """A guide with its steps in order; `day` is the day since the app came, the first being 1."""

    guide: Guide
    day: int
    steps: tuple[StepState, ...]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(each.done for each in self.steps)


def guides(reader: Reader, work: Work) -> tuple[GuideState, ...]:
    """Every guide of the installed apps, for administrators alone."""
    demand_administrator(work)
    apps = work.model.catalogue.apps
    since = (
        {each.id: each.installed_at for each in packages.installed(reader)}
        if any(app.guides for app in apps.values())
        else {}
    )
    now = int(work.context.now.timestamp() * 1000)
    return tuple(
        GuideState(guide, 1 + max(0, now - since.get(app.id, now)) // DAY, _steps(reader, work, app, guide))
        for app in apps.values()
        for guide in app.guides.values()
    )


def _steps(reader: Reader, work: Work, app: CompiledApp, guide: Guide) -> tuple[StepState, ...]:
    return tuple(
        StepState(each, min(_have(reader, work, app, each), each.count), each.count) for each in guide.steps
    )


def _have(reader: Reader, work: Work, app: CompiledApp, step: GuideStep) -> int:
    """How much of what a step asks for is there; sample data counts for nothing."""
    match step.condition:
        case "records":
            return sample_records.own(reader, work.model, step.target)
        case "people":
            came = sample_records.signed_in(reader)
            return sum(each.user not in came for each in accounts.credentials(reader))
        case "labels":
            layers = packages.layers_of(reader, app.id)
            return sum(op.op in ("label", "term") for layer in layers for op in layer.operations)
        case "imports":
            return sum(run.state == imports.DONE for run in imports.runs(reader))
        case "no_sample":
            return int(not sample_records.counts(reader, app.id))
        case _:
            dashboard = app.dashboards[step.target]
            measures = {name for widget in dashboard.widgets for name in widget.measures}
            known = work.model.catalogue.measures
            behind = {known[name].entity for name in measures if name in known}
            return int(all(sample_records.own(reader, work.model, ref) for ref in behind))
