"""What a measure's rows are to people: exact values, texts and names; ratios, periods side by side, gaps filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from dacheng.metadata.field_kinds.percent import PercentCodec
from dacheng.metadata.kinds import MeasureResult, Spoken
from dacheng.runtime.services import read_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.aggregate import AggregateRow
from dacheng.runtime.storage.query_plan import Group, Path
from dacheng.runtime.storage.reader import Reader

NONE = "—"
STEADY = frozenset({"ratio", "avg", "min", "max"})  # they do not grow with the number of records
_TENTH, _HUNDREDTH = Decimal("0.1"), Decimal("0.01")


def value_of(path: Path | None, aggregate: str, row: AggregateRow) -> Any:
    """The exact figure: an int for counts, else a Decimal in major units; a date or text as it is stored."""
    if aggregate in ("count", "distinct") or path is None:
        return row.value or 0
    if row.value is None or isinstance(row.value, str):
        return row.value
    column = path[-1].codec.columns[0]
    exact = Decimal(row.value).scaleb(-column.scale)
    if aggregate == "avg":
        places = Decimal(1).scaleb(-max(column.scale, 2))
        return (exact / row.count).quantize(places, ROUND_HALF_EVEN) if row.count else None
    return exact


def text_of(path: Path | None, value: Any, currency: str | None, mixed: bool) -> str:
    """A figure as it reads; of several currencies each says its own."""
    if value is None:
        return NONE
    codec = path[-1].codec if path is not None else None
    if isinstance(codec, PercentCodec) and isinstance(value, Decimal):
        return codec.text(value.quantize(Decimal(1).scaleb(-codec.scale)))
    text = f"{value:,}" if isinstance(value, int | Decimal) else str(value)
    return f"{text} {currency}" if mixed and currency else text


def labels_of(reader: Reader, work: Work, group: Group, keys: Sequence[Any]) -> list[str]:
    """What each group is called: an option's words, a record's title, else the value."""
    field = group.path[-1]
    if field.leads_to_records:
        asked = list(dict.fromkeys(key for key in keys if key is not None))
        titled = read_records.titles(reader, work, field.to or "", asked)
        return [titled.get(key, "") or NONE for key in keys]
    if field.options:
        locale, labels = work.context.locale, work.model.labels
        return [NONE if key is None else labels.option(locale, field, str(key)) for key in keys]
    if group.grain or field.is_listed or len(field.codec.columns) != 1:
        return [NONE if key is None else str(key) for key in keys]
    if isinstance(field.codec, Spoken):
        say, spoken_in = field.codec.text_in, work.context.locale
        return [NONE if key is None else say(field.codec.load((key,)), spoken_in) for key in keys]
    return [NONE if key is None else field.codec.text(field.codec.load((key,))) for key in keys]


def ranks_of(group: Group, keys: Sequence[Any]) -> tuple[int, ...]:
    """The place of each group among the options of its field; nothing where there are none."""
    order = {option.id: at for at, option in enumerate(group.path[-1].options)}
    return tuple(order.get(str(key), len(order)) for key in keys) if order else ()


def ratio(of: MeasureResult, per: MeasureResult, percent: bool, limit: int) -> MeasureResult:
    """One result divided by another, group by group; a group without anything to divide by has no figure."""
    divided = dict(zip(per.groups, per.values, strict=True))
    counted = dict(zip(of.groups, range(len(of.groups)), strict=True))
    rows = []
    for at, key in enumerate(per.groups):
        found = counted.get(key)
        link = of.links[found] if found is not None else per.links[at]
        value = _quotient(of.values[found] if found is not None else 0, divided[key])
        rows.append((value, key, per.labels[at], link, per.splits[at] if per.splits else ""))
    if per.groups != ((),) and not per.in_time:
        rows.sort(key=lambda row: -(row[0] if row[0] is not None else Decimal(-1)))
    rows = rows[:limit] if not per.splits else rows
    return MeasureResult(
        groups=tuple(row[1] for row in rows),
        labels=tuple(row[2] for row in rows),
        values=tuple(row[0] for row in rows),
        texts=tuple(_ratio_text(row[0], percent) for row in rows),
        links=tuple(row[3] for row in rows),
        currency="" if percent or of.currency == per.currency else of.currency,
        in_time=per.in_time,
        splits=tuple(row[4] for row in rows) if per.splits else (),
    )


def _quotient(value: Any, divisor: Any) -> Decimal | None:
    if value is None or not divisor:
        return None
    return (Decimal(value) / Decimal(divisor)).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def _ratio_text(value: Decimal | None, percent: bool) -> str:
    if value is None:
        return NONE
    if percent:
        return f"{(value * 100).quantize(_TENTH, ROUND_HALF_UP):,}%"
    return f"{value.quantize(_HUNDREDTH, ROUND_HALF_UP):,}"


def target_text(value: Decimal, found: MeasureResult, percent: bool) -> str:
    """A target, written like the figures it stands beside."""
    if percent:
        return _ratio_text(value, percent=True)
    whole = value == value.to_integral_value()
    return f"{int(value):,}" if whole else f"{value.normalize():,f}"


def with_gaps(found: MeasureResult, keys: Sequence[str]) -> MeasureResult:
    """The groups of a time dimension with every key in its place; nothing happened reads as nothing."""
    at = {str(key[0]): index for index, key in enumerate(found.groups) if key and key[0] is not None}
    every = list(dict.fromkeys([*keys, *at])) if keys else list(at)
    if keys and set(at) - set(keys):
        every = sorted(every)

    def filled(values: tuple[Any, ...], missing: Any) -> tuple[Any, ...]:
        return tuple(values[at[key]] if key in at else missing for key in every)

    return replace(
        found,
        groups=tuple((key,) for key in every),
        labels=filled(found.labels, None) if not keys else tuple(every),
        values=filled(found.values, None),
        texts=filled(found.texts, NONE),
        links=filled(found.links, ""),
        ranks=(),
    )


def beside(now: MeasureResult, then: MeasureResult) -> MeasureResult:
    """The figures of both periods, group by group."""
    at = {key: index for index, key in enumerate(then.groups)}
    found = [at.get(key) for key in now.groups]
    return replace(
        now,
        before=tuple(None if one is None else then.values[one] for one in found),
        before_texts=tuple(NONE if one is None else then.texts[one] for one in found),
        before_links=tuple("" if one is None else then.links[one] for one in found),
    )
