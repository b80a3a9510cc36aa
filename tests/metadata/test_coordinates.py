"""GCJ-02 and WGS-84: known points, a way back to well under a metre, nothing moved outside China."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata import builtin
from dacheng.metadata.field_kinds.coordinates import metres, to_gcj02, to_wgs84
from dacheng.metadata.kinds import Kinds

TIANANMEN = (39.907333, 116.391083)
DRAWN = (39.908737, 116.397327)


def test_a_known_point_is_drawn_where_maps_draw_it() -> None:
    assert metres(to_gcj02(TIANANMEN), DRAWN) < 2
    assert metres(to_wgs84(DRAWN), TIANANMEN) < 2
    assert 500 < metres(TIANANMEN, DRAWN) < 600


@given(lat=st.floats(19, 52), lng=st.floats(75, 134))
def test_there_and_back_is_the_same_place(lat: float, lng: float) -> None:
    drawn = to_gcj02((lat, lng))
    assert 10 < metres((lat, lng), drawn) < 1500
    assert metres(to_wgs84(drawn), (lat, lng)) < 0.1


def test_outside_china_both_are_the_same() -> None:
    for point in ((48.8566, 2.3522), (-33.8688, 151.2093), (37.7749, -122.4194)):
        assert to_gcj02(point) == to_wgs84(point) == point


def test_distances_are_those_of_the_ground() -> None:
    assert abs(metres((31.2304, 121.4737), (39.9042, 116.4074)) - 1_067_000) < 3_000
    assert metres(TIANANMEN, TIANANMEN) == 0
    assert abs(metres((0, 0), (0, 1)) - 111_195) < 10


def test_a_point_of_a_chinese_map_is_kept_as_satellites_give_it() -> None:
    bound = Kinds.of([builtin.part()]).fields["geolocation"].bind("f", {})
    kept = bound.parse({"lat": DRAWN[0], "lng": DRAWN[1], "system": "gcj02"})
    assert metres(kept.point, TIANANMEN) < 2
