"""Exact decimals: at most 18 digits before the point and 6 after, half-even; what does not fit is missing.

One rule for every back end: a result is rounded to 6 places, and when its magnitude reaches 10^18 it is missing.
Intermediate results are exact, so no order of evaluation can be told from another by rounding.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

SCALE = 6
LIMIT = Decimal(10) ** 18
_STEP = Decimal(1).scaleb(-SCALE)
_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN, traps=[])
_ZERO = Decimal(0)


def fit(value: Decimal) -> Decimal | None:
    """`value` rounded half-even to 6 places; None when it is not finite or reaches 10^18."""
    if value.is_finite() and value.adjusted() <= SCALE * 8:
        if int(value.as_tuple().exponent) < -SCALE:
            value = value.quantize(_STEP, context=_EXACT)
        if -LIMIT < value < LIMIT:
            return value
    return None


def add(left: Decimal, right: Decimal) -> Decimal | None:
    """The sum, None when it does not fit."""
    return fit(_EXACT.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal | None:
    """The difference, None when it does not fit."""
    return fit(_EXACT.subtract(left, right))


def multiply(left: Decimal, right: Decimal) -> Decimal | None:
    """The product, None when it does not fit."""
    return fit(_EXACT.multiply(left, right))


def divide(left: Decimal, right: Decimal) -> Decimal | None:
    """The quotient, None for a zero divisor; 120 digits first, far more than a tie at the 7th place can hide in."""
    return fit(_EXACT.divide(left, right)) if right else None


def remainder(left: Decimal, right: Decimal) -> Decimal | None:
    """What is left after dividing towards zero: it has the sign of `left`; None for a zero divisor."""
    return fit(_EXACT.remainder(left, right)) if right else None


def negate(value: Decimal) -> Decimal:
    """The number with the other sign; never a negative zero."""
    return _EXACT.minus(value)


def magnitude(value: Decimal) -> Decimal:
    """The number without its sign."""
    return _EXACT.abs(value)


def round_to(value: Decimal, digits: Decimal = _ZERO) -> Decimal | None:
    """`value` rounded half-even to `digits` places (cut to a whole number); -1 rounds to tens, -2 to hundreds."""
    places = whole(digits, 20)
    if places is None:
        return value if digits > 0 else _ZERO
    if places >= SCALE:
        return value
    return fit(value.quantize(Decimal(1).scaleb(-places), context=_EXACT)) if places > -19 else _ZERO


def whole(value: Decimal, limit: int) -> int | None:
    """`value` cut towards zero to an integer; None when its magnitude passes `limit`."""
    cut = int(value.to_integral_value(rounding=ROUND_DOWN))
    return cut if -limit <= cut <= limit else None


def as_text(value: Decimal) -> str:
    """The shortest plain form: no exponent, no trailing zeros, no negative zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def to_decimal(value: object) -> Decimal | None:
    """The number a caller passed (int, Decimal, or a float by its shortest form) within the limits, else None."""
    if value.__class__ is Decimal:
        return fit(value)
    if value.__class__ is int:
        return fit(Decimal(value))
    return fit(Decimal(repr(value))) if value.__class__ is float else None


def is_exact(value: Decimal) -> bool:
    """True when the literal fits without rounding."""
    fitted = fit(value)
    return fitted is not None and fitted == value
