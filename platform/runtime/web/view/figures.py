"""Figures as people read them: money in its currency, large ones short, names of days, what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from dacheng.metadata.kinds import MeasureResult
from dacheng.metadata.measures import Measure, Widget
from dacheng.metadata.widgets import hour
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.numbers import with_currency
from dacheng.runtime.web.words import Words, words

NONE = "—"
_UNITS: dict[str, tuple[tuple[int, str], ...]] = {
    "zh-CN": ((10**8, "亿"), (10**4, "万")),
    "en": ((10**9, "B"), (10**6, "M"), (10**3, "K")),
}
_HUNDREDTH, _TENTH = Decimal("0.01"), Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a figure is compared with, in words; `met` where there is a target: whether it is reached."""

    text: str
    met: bool | None = None
    share: str = ""


def short(value: Decimal | int, locale: str) -> tuple[str, int, str]:
    """A large number with its unit, such as `123.46万`; the unit's size and word; as it is when it is not large."""
    exact = Decimal(value)
    for size, word in _UNITS.get(locale, _UNITS["en"]):
        if abs(exact) >= size:
            text = f"{(exact / size).quantize(_HUNDREDTH, ROUND_HALF_UP):,}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + word, size, word
    return "", 1, ""


def dressed(work: Work, widget: Widget, declared: Measure, found: MeasureResult) -> MeasureResult:
    """The result with its name, links as addresses, days in words, money in its currency, and short where wanted."""
    locale, say = work.context.locale, words(work.context.locale)
    place = f"/apps/{declared.entity.replace('.', '/')}"
    found = replace(
        found,
        name=work.context.labels.text(locale, declared.app, f"measure:{declared.id}"),
        before_name=say(f"dashboard.{widget.compare}") if widget.compare else "",
        links=tuple(_address(place, one) for one in found.links),
        before_links=tuple(_address(place, one) for one in found.before_links),
        labels=_labels(say, work, declared, widget.dimension, found.groups, 0, found.labels),
        splits=_labels(say, work, declared, widget.split, found.groups, 1, found.splits),
    )
    if widget.short:
        return _shortened(found, locale)
    if not found.currency:
        return found
    whole = all(text.endswith(".00") or text == NONE for text in (*found.texts, *found.before_texts))
    return replace(
        found,
        texts=_money(found.texts, found.currency, whole),
        before_texts=_money(found.before_texts, found.currency, whole),
        target_text=with_currency(found.target_text, found.currency) if found.target_text else "",
    )


def _address(place: str, asked: str) -> str:
    if not asked:
        return ""
    return place if asked == "null" else f"{place}?{urlencode({'filter': asked})}"


def _labels(
    say: Words,
    work: Work,
    declared: Measure,
    dimension: str | None,
    groups: Sequence[tuple[Any, ...]],
    at: int,
    labels: tuple[str, ...],
) -> tuple[str, ...]:
    counted = work.model.catalogue.measures.get(declared.of, declared)
    grain = counted.grains.get(dimension, "") if dimension else ""
    none = say("dashboard.none_group")
    named = []
    for keys, label in zip(groups, labels, strict=False):
        if label == NONE:
            named.append(none)
        elif grain == "weekday":
            named.append(say(f"dashboard.weekday_{keys[at]}"))
        else:
            named.append(hour(keys[at]) if grain == "hour" else label)
    return tuple(named)


def _money(texts: tuple[str, ...], currency: str, whole: bool) -> tuple[str, ...]:
    plain = [text.removesuffix(".00") if whole else text for text in texts]
    return tuple(with_currency(text, currency) if text != NONE else text for text in plain)


def _shortened(found: MeasureResult, locale: str) -> MeasureResult:
    def said(value: Any, text: str) -> str:
        brief = short(value, locale)[0] if isinstance(value, int | Decimal) else ""
        shown = brief or text.removesuffix(".00")
        return with_currency(shown, found.currency) if found.currency and text != NONE else shown

    numbers = [abs(Decimal(one)) for one in (*found.values, *found.before) if isinstance(one, int | Decimal)]
    _, divisor, word = short(max(numbers, default=Decimal(0)), locale)
    return replace(
        found,
        texts=tuple(said(value, text) for value, text in zip(found.values, found.texts, strict=True)),
        before_texts=tuple(
            said(value, text) for value, text in zip(found.before, found.before_texts, strict=True)
        ),
        target_text=said(found.target, found.target_text) if found.target is not None else "",
        divisor=divisor,
        divided=word,
    )


def comparisons(found: MeasureResult, say: Words) -> tuple[Beside, ...]:
    """What stands under a single figure: the change against the period before, and how far the target is reached."""
    shown = []
    now = found.values[0] if found.values else None
    if found.before:
        shown.append(Beside(_change(now, found.before[0], found.before_texts[0], found.before_name, say)))
    if found.target is not None and found.target_text:
        reached = Decimal(now or 0)
        met = reached <= found.target if found.at_most else reached >= found.target
        percent = _percent(reached / found.target) if found.target else ""
        key = "limit" if found.at_most else "target"
        text = say(f"dashboard.{key}_{'met' if met else 'missed'}", target=found.target_text, percent=percent)
        share = min(reached / found.target, Decimal(1)) * 100 if found.target > 0 else Decimal(0)
        shown.append(Beside(text, met, f"{max(share, Decimal(0)):.1f}"))
    return tuple(shown)


def _change(now: Any, then: Any, text: str, name: str, say: Words) -> str:
    if then is None or now is None or not isinstance(then, int | Decimal) or then <= 0:
        return say("dashboard.change_none", name=name, before=text)
    change = (Decimal(now) - Decimal(then)) / Decimal(then)
    key = "up" if change > 0 else "down" if change < 0 else "same"
    return say(f"dashboard.change_{key}", name=name, before=text, percent=_percent(abs(change)))


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(_TENTH, ROUND_HALF_UP):,}%"
