"""Ratings: one of everything a plugin may add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import NUMBER, Type
from dacheng.metadata.kinds import (
    ActionKind,
    Codec,
    ColumnSpec,
    DefinitionKind,
    Effect,
    FieldKind,
    Figure,
    Json,
    KindsPart,
    MeasureResult,
    Primitive,
    Slot,
    Spec,
    WidgetKind,
)
from dacheng.metadata.problem import Problem, Refused
from dacheng.plugins.api import (
    PluginRequest,
    PluginRoute,
    Projection,
    ProjectionColumn,
    RecordWrite,
    Tryout,
    says,
)
from dacheng.plugins.context import Context
from dacheng.plugins.hookspecs import hookimpl

SCORES = Projection(
    id="score",
    columns=(
        ProjectionColumn("subject", ColumnSpec(Primitive.LINK), key=True),
        ProjectionColumn("stars", ColumnSpec(Primitive.INTEGER)),
    ),
    indexes=(("stars", "subject"),),
    subject="subject",
    entity="ratings.visit",
)


@dataclass(frozen=True)
class _Stars:
    """One field's codec: a whole number from one to `best`, shown as stars."""

    best: int

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec(Primitive.INTEGER),)

    @property
    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": self.best}

    @property
    def type(self) -> Type:
        return NUMBER

    def parse(self, raw: Json) -> int | None:
        if raw is None:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= self.best:
            raise Refused(
                [says({"en": f"Give one to {self.best} stars.", "zh-CN": f"请给一到 {self.best} 颗星。"})]
            )
        return int(raw)

    def parse_text(self, text: str) -> int | None:
        stripped = text.strip()
        if not stripped:
            return None
        if set(stripped) == {"★"}:
            return self.parse(len(stripped))
        return self.parse(int(stripped) if stripped.isdecimal() else stripped)

    def store(self, value: int | None) -> tuple[Any, ...]:
        return (value,)

    def load(self, stored: Sequence[Any]) -> int | None:
        return None if stored[0] is None else int(stored[0])

    def json(self, value: int | None) -> Json:
        return value

    def json_stored(self, stored: Sequence[Any]) -> Json:
        return stored[0]

    def text(self, value: int | None) -> str:
        return "" if value is None else "★" * value

    def operand(self, value: int | None) -> Decimal | None:
        return None if value is None else Decimal(value)


class Rating(FieldKind):
    """Stars from one to `x-best` (five when not said)."""

    id = "stars"
    view = "integer"
    numeric = True
    schema: Mapping[str, Any] = {"properties": {"x-best": {"type": "integer", "minimum": 2, "maximum": 10}}}

    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec for this field's best."""
        return _Stars(int(spec.get("x-best", 5)))


def _gauge(results: Sequence[MeasureResult], props: Mapping[str, Any]) -> Figure:
    first = results[0]
    value = first.values[0] if first.values else None
    return Figure(first.texts[0] if first.texts else "–", str(value), note=f"/ {props.get('best', 5)}")


def _round_up(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    stars = values.get("value")
    if stars is None:
        return ()
    return (Effect("set_field", {"field": params["field"], "value": min(5, int(stars) + 1)}),)


@hookimpl
def register_kinds() -> KindsPart:
    """The field kind, the widget, the rule action and the definition kind."""
    return KindsPart(
        owner="ratings",
        fields=(Rating(),),
        widgets=(WidgetKind("gauge", {"properties": {"best": {"type": "integer", "minimum": 2}}}, _gauge),),
        actions=(
            ActionKind(
                "round_up",
                {"properties": {"field": {"type": "string"}, "value": {}}, "required": ["field", "value"]},
                _round_up,
                expressions=("value",),
            ),
        ),
        definitions=(
            DefinitionKind(
                "scorecard",
                "scorecards",
                {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "entity": {"type": "string"},
                        "goal": {"type": "integer", "minimum": 1},
                    },
                    "required": ["id", "entity", "goal"],
                    "additionalProperties": False,
                },
                merge={"entity": "owner", "goal": "mergeable"},
                slots=lambda item: (Slot(f"scorecard:{item['id']}"),),
                editor={"goal": {"control": "slider", "from": 1, "to": 5}},
            ),
        ),
    )


@hookimpl
def register_projections() -> Sequence[Projection]:
    """One table of scores with an index by stars."""
    return (SCORES,)


@hookimpl
def register_routes() -> Sequence[PluginRoute]:
    """`GET /ranking`: best first; `POST /rebuild`: refill the projection from visits one may see."""
    return (
        PluginRoute("/ranking", "GET", "signed_in", _ranking, summary="Visits by stars, best first."),
        PluginRoute(
            "/rebuild",
            "POST",
            "builder",
            _rebuild,
            request_schema={"type": "object", "additionalProperties": False},
            writes=True,
            summary="Refill the scores from the visits.",
        ),
    )


@hookimpl
def register_tryouts() -> Sequence[Tryout]:
    """`average`: the mean of some stars, to two places."""
    return (
        Tryout(
            "average",
            _average,
            {
                "type": "object",
                "properties": {"stars": {"type": "array", "items": {"type": "integer"}, "maxItems": 1000}},
                "required": ["stars"],
                "additionalProperties": False,
            },
            {"type": "object", "properties": {"average": {"type": ["string", "null"]}}},
        ),
    )


@hookimpl
def register_packages() -> Sequence[Path]:
    """The package with this plugin's id: a visit with its stars."""
    return (Path(__file__).with_name("definitions"),)


@hookimpl
def before_write(context: Context, write: RecordWrite) -> Sequence[Problem]:
    """A visit praised with five stars needs a word about it."""
    after = write.after or {}
    if write.entity == "ratings.visit" and after.get("stars") == 5 and not after.get("note"):
        return (says({"en": "Five stars need a word about them.", "zh-CN": "五颗星请写明理由。"}, "/note"),)
    return ()


def _average(context: Context, body: Json) -> Json:
    stars = body["stars"]
    if not stars:
        return {"average": None}
    return {"average": str((Decimal(sum(stars)) / len(stars)).quantize(Decimal("0.01")))}


def _ranking(request: PluginRequest) -> Json:
    table = request.access.table("score")
    rows = request.access.select(
        sa.select(table.c.subject, table.c.stars).order_by(table.c.stars.desc()).limit(100)
    )
    return {"items": [{"visit": subject, "stars": stars} for subject, stars in rows]}


def _rebuild(request: PluginRequest) -> Json:
    visits = request.access.records("ratings.visit", fields=("id", "stars"), limit=500)
    rows = [
        {"subject": visit["id"], "stars": visit["stars"]} for visit in visits if visit["stars"] is not None
    ]
    return {"written": request.access.upsert("score", rows)}
