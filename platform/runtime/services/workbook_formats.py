"""How a workbook's number formats make its numbers look: a day, a time, a share, digits with zeros in front."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

Shown = Callable[[str], str]
LAST_SERIAL = 2_958_466  # 10000-01-01
_SPOKEN = re.compile(r'"[^"]*"|\\.|_.|\*.')
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]")
_ZEROS = re.compile(r"0{2,}")
_CHINESE_DAYS = (27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58)
_CHINESE_TIMES = (32, 33, 34, 35, 55, 56)
BUILT_IN: Mapping[int, str] = MappingProxyType(
    {
        9: "0%",
        10: "0.00%",
        14: "yyyy-m-d",
        15: "d-mmm-yy",
        16: "d-mmm",
        17: "mmm-yy",
        18: "h:mm",
        19: "h:mm:ss",
    }
    | {20: "h:mm", 21: "h:mm:ss", 22: "yyyy-m-d h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"}
    | dict.fromkeys(_CHINESE_DAYS, "yyyy年m月d日")
    | dict.fromkeys(_CHINESE_TIMES, "h时mm分")
)


def number_text(raw: str) -> str:
    """A stored number as a sheet shows it at most: 15 digits, never as a power of ten."""
    if raw.isdecimal() and len(raw) <= 15:
        return raw
    try:
        value = Decimal(f"{float(raw):.15g}")
    except ValueError:
        return raw
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value.is_finite() else raw


def shown_by(format_code: str, *, since_1904: bool) -> Shown:
    """What makes the text of a stored number under this format."""
    code = _SPOKEN.sub("", format_code.split(";", 1)[0])
    if _ELAPSED.search(code):
        return _elapsed
    plain = _BRACKETS.sub("", code).strip().lower()
    if "%" in plain:
        return _share
    if _ZEROS.fullmatch(plain):
        width = len(plain)
        return lambda raw: _padded(number_text(raw), width)
    day, clock = any(sign in plain for sign in "yd年月日"), any(sign in plain for sign in "hs时")
    if "general" in plain or "#" in plain or not (day or clock):
        return number_text
    return lambda raw: _moment(raw, since_1904=since_1904, clock=clock and not day)


def _padded(text: str, width: int) -> str:
    return text.zfill(width) if text.isdecimal() else text


def _share(raw: str) -> str:
    text = number_text(raw)
    try:
        return f"{number_text(str(Decimal(text).scaleb(2)))}%"
    except ArithmeticError:
        return text


def _elapsed(raw: str) -> str:
    try:
        seconds = round(float(raw) * 86_400)
    except (ValueError, OverflowError):
        return raw
    if seconds < 0:
        return number_text(raw)
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _moment(raw: str, *, since_1904: bool, clock: bool) -> str:
    """A serial day as ISO text: the day, the day and the time, or the time alone."""
    try:
        serial = float(raw)
    except ValueError:
        return raw
    if not 0 <= serial < LAST_SERIAL:
        return number_text(raw)
    if since_1904:
        serial += 1462
    elif serial < 60:
        serial += 1  # the sheet's calendar has a 29th of February 1900
    moment = datetime(1899, 12, 30) + timedelta(milliseconds=round(serial * 86_400_000))  # noqa: DTZ001
    if clock and serial < 2:
        return moment.strftime("%H:%M:%S")
    day = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
    if not (moment.hour or moment.minute or moment.second or moment.microsecond):
        return day
    fraction = f".{moment.microsecond // 1000:03d}" if moment.microsecond else ""
    return f"{day} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}{fraction}"
