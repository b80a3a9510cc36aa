"""Places on the earth: WGS-84 as satellites give it, GCJ-02 as maps in mainland China draw it, distances between them.

GCJ-02 moves every point in mainland China by 100 to 700 metres; the shift is the published polynomial and its
inverse is found by iteration, to well under a metre. Outside China both systems are the same.
"""

from __future__ import annotations

from math import asin, cos, pi, radians, sin, sqrt

_AXIS = 6_378_245.0  # of the Krasovsky ellipsoid, which the shift is reckoned on
_ECCENTRICITY = 0.006_693_421_622_965_943
_EARTH = 6_371_008.8  # mean radius in metres
_WEST, _EAST, _SOUTH, _NORTH = 73.5, 135.1, 17.9, 53.6
_ROUNDS = 6
Point = tuple[float, float]  # latitude, longitude in degrees


def to_gcj02(point: Point) -> Point:
    """A WGS-84 point where a Chinese map draws it."""
    lat, lng = point
    if not _in_china(point):
        return point
    north, east = _shift(lat - 35.0, lng - 105.0)
    slant = sin(radians(lat))
    root = 1 - _ECCENTRICITY * slant * slant
    north = north * 180 / (_AXIS * (1 - _ECCENTRICITY) / (root * sqrt(root)) * pi)
    east = east * 180 / (_AXIS / sqrt(root) * cos(radians(lat)) * pi)
    return lat + north, lng + east


def to_wgs84(point: Point) -> Point:
    """A point of a Chinese map as WGS-84."""
    guess = point
    for _ in range(_ROUNDS):
        drawn = to_gcj02(guess)
        guess = (guess[0] - (drawn[0] - point[0]), guess[1] - (drawn[1] - point[1]))
    return guess


def metres(one: Point, other: Point) -> float:
    """The distance between two WGS-84 points along the ground."""
    lat, far = radians(one[0]), radians(other[0])
    half = sin((far - lat) / 2) ** 2 + cos(lat) * cos(far) * sin(radians(other[1] - one[1]) / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(half)))


def _in_china(point: Point) -> bool:
    return _SOUTH <= point[0] <= _NORTH and _WEST <= point[1] <= _EAST


def _shift(y: float, x: float) -> Point:
    """The published shift in metres, north and east, for degrees from 35° N 105° E."""
    waves = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    return north, east
