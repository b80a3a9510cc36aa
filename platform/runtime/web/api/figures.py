"""What is read across records: history of one, search over all, figures with their groups and the records behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant, parse_date
from dacheng.metadata.kinds import MeasureResult
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, history, measure, rule_traces, search
from dacheng.runtime.services.history import Entry
from dacheng.runtime.services.measure import Filters, Period
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import (
    entity_ref,
    json_parameter,
    parameters,
    record_id,
    whole_number,
)
from dacheng.runtime.web.routing import host_of, work_of

GROUPS = 50
MEASURE_PARAMETERS = frozenset(
    {"dimension", "split", "compare", "owner", "department", "filter", "from", "to", "limit"}
)
COMPARED = ("previous", "last_year")


async def show_history(request: Request) -> Response:
    """What happened to a record, the latest first, as far as its fields may be seen."""
    work, ref, identity = work_of(request), entity_ref(request), record_id(request)
    params = parameters(request, frozenset({"limit", "before"}))
    limit = whole_number(params, "limit", history.MAX_ENTRIES, history.MAX_ENTRIES)
    before = whole_number(params, "before", change_log.NOW, change_log.NOW)
    found = await host_of(request).db.read(
        lambda reader: history.read(reader, work, ref, identity, limit, before)
    )
    items = [_entry(each) for each in found.entries]
    return answer({"items": items, "titles": _plain(found.titles), "next": found.next})


async def show_why(request: Request) -> Response:
    """What rules made of a record, the latest first."""
    work, ref, identity = work_of(request), entity_ref(request), record_id(request)
    parameters(request, frozenset())
    found = await host_of(request).db.read(lambda reader: rule_traces.why(reader, work, ref, identity))
    return answer({"items": [_plain(asdict(each)) for each in found]})


async def find(request: Request) -> Response:
    """Records of every entity whose search fields hold all words of `q`."""
    work = work_of(request)
    params = parameters(request, frozenset({"q"}))
    text = params.get("q", "")
    if len(text) > gate.MAX_SEARCH:
        raise refuse("web.bad_parameter", name="q")
    found = await host_of(request).db.read(lambda reader: search.find(reader, work, text))
    return answer({"items": [{"entity": hit.entity, "id": hit.id, "title": hit.title} for hit in found]})


async def show_measure(request: Request) -> Response:
    """A figure, or one per group of `dimension` (and `split`); `filter` of each group leads to its records."""
    work = work_of(request)
    params = parameters(request, MEASURE_PARAMETERS)
    ref = f"{request.path_params['app']}.{request.path_params['measure']}"
    days = [_day(params, name) for name in ("from", "to")]
    whose = (params.get("owner", ""), params.get("department", ""))
    filters = Filters(Period(*days), json_parameter(params, "filter"), *whose)
    limit = whole_number(params, "limit", GROUPS, measure.MAX_GROUPS)
    dimension, split = params.get("dimension") or None, params.get("split") or None
    compare = params.get("compare", "")
    if compare and compare not in COMPARED:
        raise refuse("web.bad_parameter", name="compare")
    if split and not dimension:
        raise refuse("web.bad_parameter", name="split")

    def read(reader: Reader) -> MeasureResult:
        return measure.run(reader, work, ref, dimension, filters, limit, split, compare)

    return answer(_measured(await host_of(request).db.read(read)))


def _measured(found: MeasureResult) -> dict[str, Any]:
    groups: list[dict[str, Any]] = [
        {
            "key": _plain(key[0]) if key else None,
            "label": label,
            "value": _plain(value),
            "text": text,
            "filter": link,
        }
        for key, label, value, text, link in zip(
            found.groups, found.labels, found.values, found.texts, found.links, strict=True
        )
    ]
    for at, split in enumerate(found.splits):
        groups[at] |= {"split": _plain(found.groups[at][1]), "split_label": split}
    for at, before in enumerate(found.before):
        groups[at] |= {"before": _plain(before), "before_text": found.before_texts[at]}
    return {
        "groups": groups,
        "unit": found.unit,
        "currency": found.currency,
        "target": _plain(found.target),
    }


def _day(params: Mapping[str, str], name: str) -> date | None:
    text = params.get(name)
    day = parse_date(text) if text else None
    if text and day is None:
        raise refuse("web.bad_parameter", name=name)
    return day


def _entry(each: Entry) -> dict[str, Any]:
    return {
        "seq": each.seq,
        "action": each.action,
        "line": each.line or None,
        "record": each.record,
        "changes": {change.field.id: [change.before, change.after] for change in each.changes},
        "actor": each.actor,
        "person": each.person or None,
        "cause": {"kind": each.cause_kind, "id": each.cause},
        "at": format_instant(each.at),
    }


def _plain(value: Any) -> Any:
    """A value for JSON: numbers exact as text, mappings and sequences through and through."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value
