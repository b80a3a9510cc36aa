"""Numbers in the interface: grouped by thousands, exact, the same in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from dacheng.metadata.kinds import Json

UNGROUPED = 10_000
CURRENCY_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥"}


def grouped(scale: int) -> Callable[[int], str]:
    """The closure from value × 10^scale to grouped text: 105400 at scale 2 gives `1,054.00`."""
    if scale == 0:
        return _whole
    unit = 10**scale

    def write(stored: int) -> str:
        whole, rest = divmod(abs(stored), unit)
        return f"{'−' if stored < 0 else ''}{whole:,}.{rest:0{scale}d}"

    return write


def _whole(stored: int) -> str:
    """Whole numbers of four digits stand ungrouped: 2001 may well be a year."""
    return (f"{stored:,}" if abs(stored) >= UNGROUPED else str(stored)).replace("-", "−")


def number_literal(value: Any) -> Json:
    """A number as the literal of an expression, exact: whole numbers as they are, others as decimal text."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    if not exact.is_finite():
        return None
    return int(exact) if exact == exact.to_integral_value() else {"number": format(exact, "f")}


def number_words(literal: Json) -> str:
    """A number literal grouped by thousands; an ellipsis for what is none."""
    number = number_literal(
        literal["number"] if isinstance(literal, Mapping) and "number" in literal else literal
    )
    if number is None:
        return "…"
    return f"{Decimal(str(number['number'] if isinstance(number, Mapping) else number)):,}"


def with_currency(amount: str, currency: str) -> str:
    """`¥1,054.00`; a currency without a sign of its own stands as its code before the amount."""
    sign = CURRENCY_SIGNS.get(currency)
    minus, digits = ("−", amount[1:]) if amount.startswith("−") else ("", amount)
    return f"{minus}{sign}{digits}" if sign else f"{minus}{currency} {digits}"
