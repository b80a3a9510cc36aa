"""T22: what a record, an address or a form that was sent holds is text in every control and cell of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from dacheng.runtime.web.security import Rates
from tests.contracts.field_kinds.cases import CASES
from tests.contracts.field_kinds.house import API, APP, House, open_house

BREAKING = "\"><zz onzz=1 '><b x-zz="
SHAPED = (
    BREAKING,
    f'[["{BREAKING.replace(chr(34), chr(92) + chr(34))}","x"]]',
    '[{"id":"ID","name":"ID","type":"image/png"}]'.replace("ID", BREAKING.replace('"', '\\"')),
    '{"at":"ID","point":"ID"}'.replace("ID", BREAKING.replace('"', '\\"')),
)
PARTS = (
    "",
    ".currency",
    ".title",
    ".order",
    ".add",
    ".added",
    ".province",
    ".city",
    ".street",
    ".lat",
    ".0.id",
)


class Marks(HTMLParser):
    """Collects what stands in a page as an element or attribute and must not."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element, or an attribute, that only the payload has."""
        self.found += [each for each in (tag, *(name for name, _ in attrs)) if "zz" in each]


def marks(page: str) -> list[str]:
    reader = Marks()
    reader.feed(page)
    return reader.found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        pytest.MonkeyPatch.context() as patch,
        open_house(tmp_path_factory.mktemp("house"), "") as opened,
    ):
        patch.setattr(Rates, "over", lambda *_: False)
        yield opened


@pytest.mark.parametrize("kind", sorted(CASES))
def test_t22_what_an_address_or_a_refused_form_holds_stays_text_in_every_control(
    house: House, kind: str
) -> None:
    place = f"/apps/{APP}/e_{kind}/new"
    for text in SHAPED:
        opened = house.browser.get(place, params={"value": text})
        assert opened.status_code == 200
        assert marks(opened.text) == [], text
        sent = {f"value{part}": text for part in PARTS} | {f"value.{text}": text}
        refused = house.browser.post(place, data=sent)  # without the name that it needs
        assert refused.status_code == 422, text
        assert marks(refused.text) == [], text


def stored(house: House, kind: str) -> list[str]:
    """Records of what the kind takes of a text that breaks out of attributes: alone, in a list, in parts."""
    found = []
    for value in (
        BREAKING,
        [BREAKING],
        {"street": BREAKING},
        {"a": [BREAKING]},
        f"https://example.com/{BREAKING}",
    ):
        made = house.program.post(f"{API}/e_{kind}", json={"name": BREAKING, "value": value})
        found += [made.json()["id"]] if made.status_code == 201 else []
    return found or [house.program.post(f"{API}/e_{kind}", json={"name": BREAKING}).json()["id"]]


@pytest.mark.parametrize("kind", sorted(CASES))
def test_t22_what_a_record_holds_stays_text_in_every_cell(house: House, kind: str) -> None:
    records, place = stored(house, kind), f"/apps/{APP}/e_{kind}"
    paths = [place, f"{place}?group-by=value", f"{place}/new?value={quote(BREAKING)}", f"{place}/filter"]
    paths += [f"{place}?value={quote(BREAKING)}", f"{place}?q={quote(BREAKING)}", f"{place}?build=value"]
    for one in records:
        paths += [
            f"{place}/{one}{end}" for end in ("", "/edit", "/timeline", "/merge", "/cell?field=value", "/row")
        ]
        paths += [f"{place}/{one}/merge?with={records[0]}", f"/search?q={quote(BREAKING)}"]
    for path in paths:
        answer = house.browser.get(path)
        assert answer.status_code < 500, path
        assert marks(answer.text) == [], path
