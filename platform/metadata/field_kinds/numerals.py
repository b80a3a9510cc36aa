"""Numbers as people and files write them: full-width digits, thousands separators, Chinese units."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from dacheng.metadata.problem import refuse

MAX_DIGITS = 18  # a scaled value always fits 64 bits
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2212: 0x2D}
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?")
_PLAIN = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)
_STEPS = tuple(Decimal(1).scaleb(-scale) for scale in range(MAX_DIGITS + 1))
_UNITS = {"万": 10**4, "亿": 10**8}


def narrow(text: str) -> str:
    """The text with full-width letters, digits and signs made half-width, trimmed."""
    return text.translate(_WIDE).replace("￥", "¥").strip()


def number_from_text(text: str) -> Decimal:
    """The exact number a person typed (`１，２３４．５`, `1,234.50`, `1.5万`); refuses anything else."""
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    plain = narrow(text).replace(" ", "")
    factor = 1
    while plain and plain[-1] in _UNITS:
        factor *= _UNITS[plain[-1]]
        plain = plain[:-1]
    if len(plain) > 40 or not any(c.isdigit() for c in plain) or not _NUMBER.fullmatch(plain):
        raise refuse("value.not_a_number", value=text)
    return Decimal(plain.replace(",", "")) * factor


def number_from_json(raw: Any) -> Decimal:
    """The exact number behind a JSON number or a decimal string; refuses anything else."""
    if isinstance(raw, Decimal):
        value = raw
    elif isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise refuse("value.not_a_number", value=raw)
    else:
        text = repr(raw) if isinstance(raw, float) else str(raw).strip() if _short(raw) else ""
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise refuse("value.not_a_number", value=raw) from None
        if isinstance(raw, str) and not _NUMBER.fullmatch(text.replace("-", "", 1)):
            raise refuse("value.not_a_number", value=raw)
    if not value.is_finite():
        raise refuse("value.not_a_number", value=raw)
    return value


def _short(raw: int | str) -> bool:
    return abs(raw) < 10**40 if isinstance(raw, int) else len(raw) <= 40


def to_scale(value: Decimal, scale: int) -> Decimal:
    """The same number with exactly `scale` decimals; more digits than fit are refused, never rounded."""
    if value and (value.adjusted() + scale >= MAX_DIGITS or value.adjusted() < -scale):
        if value.adjusted() < -scale:
            raise refuse("value.too_precise", scale=scale)
        raise refuse("value.too_many_digits", digits=MAX_DIGITS)
    exact = value.quantize(_STEPS[scale])
    if exact != value:
        raise refuse("value.too_precise", scale=scale)
    return exact or abs(exact)


def scaled_writer(scale: int) -> Callable[[int], str]:
    """A fast function from the stored scaled integer to decimal text (`1050`, 2 → `10.50`)."""
    if scale == 0:
        return str
    factor = 10**scale

    def write(stored: int) -> str:
        whole, rest = divmod(abs(stored), factor)
        return f"{'-' if stored < 0 else ''}{whole}.{rest:0{scale}d}"

    return write


def scaled_column(
    texts: Sequence[str], scale: int, low: Decimal | None, high: Decimal | None
) -> list[int | None] | None:
    """Trimmed texts as scaled integers, an empty one as missing; None unless all are plain numbers that fit.

    Plain is what files mostly hold: digits, exactly `scale` decimals behind a point, a minus or none.
    """
    together = "\n".join(texts)
    if not _plain_column(scale).fullmatch(together):
        return None
    digits = together.replace(".", "").split("\n") if texts else []
    numbers = [int(each) if each else None for each in digits]
    present = [each for each in numbers if each is not None]
    if present and low is not None and min(present) < low.scaleb(scale):
        return None
    if present and high is not None and max(present) > high.scaleb(scale):
        return None
    return numbers


@cache
def _plain_column(scale: int) -> re.Pattern[str]:
    decimals = rf"[.]\d{{{scale}}}" if scale else ""
    number = rf"(?:-?\d{{1,{MAX_DIGITS - scale}}}{decimals})?"
    return re.compile(rf"{number}(?:\n{number})*", re.ASCII)


def check_bounds(value: Decimal | int, low: Decimal | None, high: Decimal | None) -> None:
    """Refuse a number outside its field's bounds."""
    if low is not None and value < low:
        raise refuse("value.too_small", minimum=low)
    if high is not None and value > high:
        raise refuse("value.too_large", maximum=high)


def bound(raw: Any) -> Decimal | None:
    """A bound of a definition (JSON number or decimal string) as a number; None when there is none."""
    return None if raw is None else number_from_json(raw)
