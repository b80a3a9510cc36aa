"""T04, T06: wherever a request can name a field, one hidden from a role is answered like a name nobody ever gave."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from httpx2 import Response

from dacheng.runtime.storage.system_tables import saved_view
from dacheng.runtime.web.security import Rates
from tests.security.hidden import CANARY, DEALS, FIELDS, NAME, PAGES, TOLD, Den, open_den

# the number of the request, that of a form, of a draft or record made by the request itself, the moment
NUMBERS = re.compile(
    r'urn:request:[0-9a-f]{16}|name="_key" value="[0-9a-f-]{36}"|name="_at" value="[^"]*"|"now":"[0-9T:.-]+Z"'
    r"|01[0-9a-f]{6}-[0-9a-f]{4}-7[0-9a-f-]{21}|/(?:import/draft|imports/files)/[\w-]+|\"id\":\"[\w-]{20,}\""
)
TEXTS = {"content-type": "application/json"}


def misspelt(name: str) -> str:
    return name.replace("priv_", "priw_")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def den(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Den]:
    """One workspace a back end; nothing asked below changes what another asks for."""
    sqlite = request.param == "sqlite"
    url = "" if sqlite else request.getfixturevalue("postgres_server").new_database()
    with (
        pytest.MonkeyPatch.context() as patch,
        open_den(tmp_path_factory.mktemp("den"), url) as opened,
    ):
        patch.setattr(Rates, "over", lambda *_: False)
        yield opened


@dataclass(frozen=True)
class Place:
    """Somewhere a field can be named, and what is asked there."""

    what: str
    ask: Callable[[Den, str], Response]


def api(path: str = "", **params: str) -> Callable[[Den, str], Response]:
    """A question to the API; NAME in its parameters is the field's."""
    return lambda den, name: den.program["ben"].get(DEALS + _put(path, name), params=_all(params, name))


def page(path: str = "", **params: str) -> Callable[[Den, str], Response]:
    """A question to a page."""
    named = {
        key.replace("_", "-") if key.startswith(("show_", "group_", "export_")) else key: v
        for key, v in params.items()
    }
    return lambda den, name: den.browser["ben"].get(
        PAGES + _record(den, _put(path, name)), params=_all(named, name)
    )


def sent(method: str, path: str, body: str, **headers: str) -> Callable[[Den, str], Response]:
    """JSON sent to the API about the record that ben made, unless the path says otherwise."""

    def ask(den: Den, name: str) -> Response:
        made = _record(den, _put(body, name))
        place = DEALS + _record(den, _put(path, name))
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        return den.program["ben"].request(method, place, content=made.encode(), headers={**TEXTS, **given})

    return ask


def form(path: str, **fields: str) -> Callable[[Den, str], Response]:
    """A form sent to a page."""

    def ask(den: Den, name: str) -> Response:
        data = {_put(key, name): _record(den, value) for key, value in _all(fields, name).items()}
        return den.browser["ben"].post(PAGES + _record(den, _put(path, name)), data=data)

    return ask


def _put(text: str, name: str) -> str:
    return text.replace("NAME", name)


def _all(params: dict[str, str], name: str) -> dict[str, str]:
    return {_put(key, name): _put(value, name) for key, value in params.items()}


def _record(den: Den, text: str) -> str:
    return text.replace("FIRST", den.deals[0]).replace("SECOND", den.deals[1]).replace("THIRD", den.deals[2])


def imported(*steps: str) -> Callable[[Den, str], Response]:
    """A file with a column called like the field goes up; then a step of its mapping."""

    def ask(den: Den, name: str) -> Response:
        program = den.program["ben"]
        content = f"name,{name},L field deal {name}\nBy file,1,1\n".encode()
        answer = program.post(
            "/api/v1/imports/files",
            params={"entity": "den.deal", "name": "a.csv"},
            content=content,
            headers={"content-type": "text/csv"},
        )
        for step in steps:
            end, _, body = step.partition(" ")
            place = f"/api/v1/imports/files/{answer.json()['id']}{end}"
            answer = program.post(place, content=_put(body, name).encode(), headers=TEXTS)
        return answer

    return ask


def figures(path: str, **params: str) -> Callable[[Den, str], Response]:
    return lambda den, name: den.program["ben"].get(
        f"/api/v1/measures/den/{_put(path, name)}", params=_all(params, name)
    )


def anothers_view(shape: str, *, listed: bool = False) -> Callable[[Den, str], Response]:
    """A view that the administrator keeps for everybody, over the hidden field or over one that never was, is opened."""

    def ask(den: Den, name: str) -> Response:
        hidden = name.replace("priw_", "priv_")
        body = {"name": "Theirs", "shared": True, **json.loads(shape.replace("NAME", hidden))}
        made = den.program["ada"].post(f"{DEALS}/views", json=body)
        if made.status_code != 201:  # of a kind that no view stands on
            return den.browser["ben"].get(PAGES)
        view = made.json()["id"]
        other = sa.func.replace(saved_view.c.shape, hidden, name)
        changed = sa.update(saved_view).where(saved_view.c.id == view).values(shape=other)
        den.host.db.write_now(lambda tx: tx.execute(changed))
        try:
            if listed:
                return den.program["ben"].get(f"{DEALS}/views")
            return den.browser["ben"].get(PAGES, params={"view": view})
        finally:
            den.program["ada"].delete(f"{DEALS}/views/{view}")

    return ask


def _conditions() -> Iterator[Place]:
    for text in (
        '{"is_set":[{"var":"NAME"}]}',
        '{"==":[{"var":"NAME"},null]}',
        '{"==":[{"var":"NAME"},"late"]}',
        '{">":[{"var":"NAME"},5]}',
        '{"in":["x",{"var":"NAME"}]}',
        '{"==":[{"var":"NAME.name"},"x"]}',
        '{"or":[{"==":[{"var":"stage"},"open"]},{"is_set":[{"var":"NAME"}]}]}',
    ):
        yield Place(f"filter {text}", api(filter=text))
        yield Place(f"list, filter {text}", page(filter=text))
        yield Place(f"export, filter {text}", page("/export.csv", filter=text))
        yield Place(f"groups, filter {text}", api("/groups", by="stage", filter=text))
        yield Place(
            f"bulk, filter {text}",
            sent("POST", "/bulk", f'{{"filter":{text},"action":"delete","preview":true}}'),
        )
        yield Place(f"view, filter {text}", sent("POST", "/views", f'{{"name":"v","filter":{text}}}'))
        yield Place(f"filter's own page {text}", page("/filter", filter=text))


def _views() -> Iterator[Place]:
    for shape in (
        '{"filter":{"is_set":[{"var":"NAME"}]}}',
        '{"columns":["name","NAME"]}',
        '{"sort":["-NAME"]}',
        '{"group":["NAME"]}',
        '{"kind":"board","on":"NAME"}',
        '{"kind":"calendar","on":"NAME"}',
    ):
        yield Place(f"another's view {shape}", anothers_view(shape))
        yield Place(f"views told, another's {shape}", anothers_view(shape, listed=True))


PLACES = [
    *_conditions(),
    *_views(),
    Place("fields", api(fields="NAME")),
    Place("fields behind a link", api(fields="NAME.name")),
    Place("sort", api(sort="NAME")),
    Place("sort backwards", api(sort="-NAME")),
    Place("equals", api(NAME="late")),
    Place("groups", api("/groups", by="NAME")),
    Place("sums", api("/groups", by="stage", sums="NAME")),
    Place("list, sort", page(sort="-NAME")),
    Place("list, equals", page(NAME="late")),
    Place("list, condition being built", page(build="NAME")),
    Place("list, built condition", page(by="NAME", op="is_set")),
    Place("list, groups", page(group_by="NAME")),
    Place("list, groups under a group", page(group_by="stage,NAME")),
    Place("list, open group", page(group_by="NAME", group_open='["late"]')),
    Place("board", page(show_as="board", show_on="NAME")),
    Place("board, column", page(show_as="board", show_on="NAME", show_column="late")),
    Place("calendar", page(show_as="calendar", show_on="NAME")),
    Place("calendar, month", page(show_as="calendar", show_on="NAME", show_at="2031-07-01")),
    Place("filter's page, line", page("/filter", **{"m.0": "and", "f.0-0": "NAME", "o.0-0": "==", "v.0-0": "late"})),
    Place("filter's page, taken", page("/filter", do="apply", **{"m.0": "and", "f.0-0": "NAME", "o.0-0": "is_set"})),
    Place("export, sort", page("/export.csv", sort="NAME")),
    Place("export, groups", page("/export.xlsx", group_by="NAME")),
    Place("export as JSON, equals", page("/export.json", NAME="late")),
    Place("export behind a bar", form("/export", state="sort=NAME", **{"as": "csv", "part": "shown"})),
    Place("row drawn anew", page("/THIRD/row", NAME="late")),
    Place("row drawn anew, order", page("/THIRD/row", sort="NAME")),
    Place("cell", page("/THIRD/cell", field="NAME")),
    Place("cell saved", form("/THIRD/cell", field="NAME", value="late", version="1")),
    Place("what follows in a new form", form("/new/follow", NAME="late")),
    Place("what follows in a form", form("/THIRD/edit/follow", NAME="late")),
    Place("what follows in a form of hidden values", form("/SECOND/edit/follow", NAME="late")),
    Place("claim", page("/claims/new", NAME="late")),
    Place("claim sent", form("/claims/new", NAME=f"{CANARY} one", _reason="mine")),
    Place("claim by a program", sent("POST", "/claims", '{"values":{"NAME":"x"},"reason":"mine"}')),
    Place("candidates of a link", page("/pick", **{"for": "den.deal.NAME"})),
    Place("tags", page("/tags/NAME")),
    Place("tags begun", page("/tags/NAME", q="z")),
    Place("form, filled in by its address", page("/new", NAME="late")),
    Place("duplicates while typing", page("/duplicates", NAME=f"{CANARY} one")),
    Place("duplicates", sent("POST", "/duplicates", '{"values":{"NAME":"x"}}')),
    Place("create", sent("POST", "", '{"name":"x","NAME":1}')),
    Place("create with null", sent("POST", "", '{"name":"x","NAME":null}')),
    Place("change", sent("PATCH", "/THIRD", '{"NAME":"x"}', if_match="*")),
    Place("place", sent("POST", "/THIRD/place", '{"field":"NAME","value":"late"}', if_match="*")),
    Place("page, place", form("/THIRD/place", field="NAME", value="late")),
    Place("bulk", sent("POST", "/bulk", '{"ids":["THIRD"],"action":"set","values":{"NAME":"late"}}')),
    Place("bulk, preview", sent("POST", "/bulk", '{"ids":["THIRD"],"action":"set","values":{"NAME":1},"preview":true}')),
    Place("page, bulk", form("/bulk", id="THIRD", field="NAME", value="late", do="look")),
    Place("page, bulk by a list", form("/bulk", all="yes", state="sort=NAME", do="delete")),
    Place("page, bulk by a condition", form("/bulk", all="yes", state="NAME=late", do="delete")),
    Place("merge", sent("POST", "/THIRD/merge", '{"drop":"SECOND","take":["NAME"]}')),
    Place("view, columns", sent("POST", "/views", '{"name":"v","columns":["name","NAME"]}')),
    Place("view, sort", sent("POST", "/views", '{"name":"v","sort":["-NAME"]}')),
    Place("view, groups", sent("POST", "/views", '{"name":"v","group":["NAME"]}')),
    Place("view, board", sent("POST", "/views", '{"name":"v","kind":"board","on":"NAME"}')),
    Place("view, calendar", sent("POST", "/views", '{"name":"v","kind":"calendar","on":"NAME"}')),
    Place("own columns", sent("PUT", "/views/-/columns", '{"columns":["name","NAME"]}')),
    Place("page, own columns", form("/views/columns", column="NAME", do="up:NAME")),
    Place("import, file", imported()),
    Place("import, mapping", imported('/preview {"mapping":{"columns":{"name":"name","NAME":"NAME"}}}')),
    Place("import, key", imported('/preview {"mapping":{"columns":{"name":"name"},"key":"NAME"}}')),
    Place("import, value", imported('/preview {"mapping":{"columns":{"name":"name","NAME":{"value":"x"}}}}')),
    Place("import, match", imported('/preview {"mapping":{"columns":{"name":"name","owner":{"column":"name","match":"NAME"}}}}')),
    Place("import, start", imported('/start {"mapping":{"columns":{"name":"name","NAME":"NAME"}}}')),
    Place("measure", figures("deals", dimension="NAME")),
    Place("measure, period", figures("deals", **{"from": "2026-01-01"}, dimension="NAME")),
]  # fmt: skip


def plain(answer: Response, name: str) -> tuple[int, str, tuple[str, ...]]:
    """Status, body and telling headers, without the name asked for and what numbers each request."""
    headers = tuple(
        answer.headers.get(each, "") for each in ("content-type", "etag", "location", "set-cookie")
    )
    text = _opened(answer)
    said = [
        NUMBERS.sub("", each).replace(name, "NAME").replace(quote(name), "NAME") for each in (text, *headers)
    ]
    return answer.status_code, said[0], tuple(said[1:])


def _opened(answer: Response) -> str:
    """The text of an answer; of a workbook, that of its parts."""
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(part).decode() for part in book.namelist() if "docProps" not in part)


@pytest.mark.parametrize("name", FIELDS)
def test_t04_a_hidden_field_is_answered_like_a_misspelt_name(den: Den, name: str) -> None:
    different, faults, told = {}, [], []
    for place in PLACES:
        found = [plain(place.ask(den, each), each) for each in (name, misspelt(name))]
        if found[0] != found[1]:
            different[place.what] = found
        faults += [place.what for each in found if each[0] >= 500]
        told += [place.what for word in (CANARY, "86428642", "97539.75") if word in found[0][1]]
    assert different == {}
    assert (faults, told) == ([], [])


# ---------------------------------------------------------------- where no field is named
SILENT = (
    "/import/den/deal/template.csv", "/import/den/deal/template.xlsx", "/api/v1/imports/templates/den/deal",
    "/api/v1/imports/templates/den/deal/workbook", "/import?entity=den.deal", "/import/den/deal/paste",
    PAGES, f"{PAGES}?view=sorted", f"{PAGES}?view=board", f"{PAGES}?view=calendar", f"{PAGES}/filter", f"{PAGES}/new",
    f"{PAGES}/FIRST", f"{PAGES}/FIRST/edit", f"{PAGES}/FIRST/timeline", f"{PAGES}/THIRD/merge",
    f"{PAGES}/THIRD/merge?with=SECOND", f"{PAGES}/FIRST/merge?with=SECOND", f"{PAGES}/pick?q=", f"{PAGES}/export.csv",
    f"{PAGES}/export.xlsx", f"{PAGES}/export.json", f"{PAGES}/export.csv?view=sorted&export-of=shown",
    f"{PAGES}/export.xlsx?export-of=every", f"{DEALS}/pick-list", DEALS, f"{DEALS}/FIRST", f"{DEALS}/FIRST/history",
    f"{DEALS}/FIRST/timeline", f"{DEALS}/FIRST/rules", f"{DEALS}/FIRST/comments", f"{DEALS}/views", "/", "/search?q=First",
    "/api/v1/search?q=First", "/notifications", "/api/v1/me/notifications", "/recycle-bin", "/recycle-bin/den/deal",
    f"{PAGES}/FIRST/row", "/claims", "/api/v1/claims", "/api/v1/me/claims",
    "/api/v1/openapi.json", "/api/v1/me", f"{DEALS}/groups?by=stage", f"{PAGES}?group-by=stage",
)  # fmt: skip


def asked(den: Den, who: str, address: str) -> Response:
    client = den.program[who] if address.startswith("/api/") else den.browser[who]
    return client.get(_record(den, address))


def test_t04_t07_t08_no_page_file_history_or_notification_tells_of_a_hidden_field(den: Den) -> None:
    """Lists, forms, pick-lists, templates, exports, history, timeline, comparison of two records, what one was told."""
    edited = {"priv_text": f"{CANARY} two", "priv_stage": "early", "owner": den.people["ben"]}
    first = f"{DEALS}/{den.deals[0]}"
    changed = den.program["ada"].patch(first, json=edited, headers={"if-match": "*"})
    assert changed.status_code == 200, changed.text
    word = den.program["ada"].post(
        f"{first}/comments", json={"text": "Look here", "mentions": [den.people["ben"]]}
    )
    assert word.status_code == 201, word.text
    told = {}
    for address in SILENT:
        answer = asked(den, "ben", address)
        assert answer.status_code == 200, address
        found = [each for each in TOLD if each.decode() in _opened(answer)]
        if found:
            told[address] = found
    assert told == {}
    seen = sum(any(each.decode() in _opened(asked(den, "ada", a)) for each in TOLD) for a in SILENT)
    assert seen > len(SILENT) / 2, "an administrator is told nearly everywhere"


ALIKE = [
    (CANARY, CANARY[:-1] + "x", f"{DEALS}?q=WORD&count=true"),
    (CANARY, CANARY[:-1] + "x", f"{DEALS}/pick-list?q=WORD"),
    (CANARY, CANARY[:-1] + "x", f"{DEALS}/groups?by=stage&q=WORD"),
    (CANARY, CANARY[:-1] + "x", f"{PAGES}?q=WORD"),
    (CANARY, CANARY[:-1] + "x", f"{PAGES}?q=WORD&group-by=stage"),
    (CANARY, CANARY[:-1] + "x", f"{PAGES}/pick?q=WORD"),
    (CANARY, CANARY[:-1] + "x", f"{PAGES}/export.csv?q=WORD"),
    (CANARY, CANARY[:-1] + "x", "/search?q=WORD"),
    (CANARY, CANARY[:-1] + "x", "/api/v1/search?q=WORD"),
    ("ada@example.com", "adx@example.com", f"{DEALS}/FIRST/people?q=WORD"),
    ("13800001111", "13800001112", f"{DEALS}/FIRST/people?q=WORD"),
    ("13800001111", "13800001112", "/api/v1/search?q=WORD"),
    ("hidden_sum", "hiddem_sum", "/api/v1/measures/den/WORD"),
    ("hidden_sum", "hiddem_sum", "/api/v1/measures/den/WORD?dimension=stage"),
]


@pytest.mark.parametrize(("hidden", "other", "address"), ALIKE)
def test_t04_what_is_held_in_a_hidden_field_is_found_nowhere(
    den: Den, hidden: str, other: str, address: str
) -> None:
    """Searched words and people to mention alike: a value nobody holds is answered the same."""
    found = [plain(asked(den, "ben", address.replace("WORD", quote(each))), each) for each in (hidden, other)]
    assert found[0] == found[1]


def test_t04_who_may_not_read_people_s_names_is_told_none(den: Den) -> None:
    """Neither by what they own, made, changed or wrote, nor by where they could be mentioned."""
    first = f"{DEALS}/{den.deals[0]}"
    word = {"text": "Hello", "mentions": [den.people["dan"]]}
    assert den.program["ada"].post(f"{first}/comments", json=word).status_code == 201
    people = (f"{DEALS}/FIRST/people", f"{DEALS}/FIRST/collaborators", f"{DEALS}/FIRST/people?q=Adaline")
    addresses = [each for each in (*SILENT, *people) if "merge" not in each]
    assert [each for each in addresses if NAME in _opened(asked(den, "dan", each))] == []
    assert NAME in asked(den, "ben", f"{DEALS}/FIRST/people?q=Adaline").text
    found = [
        plain(asked(den, "dan", f"{DEALS}/FIRST/people?q={each}"), each) for each in ("Adaline", "Adalime")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("mapping", ["", '"mapping":{"columns":{"name":"name","owner":"owner"}}'])
def test_t04_an_import_does_not_look_people_up_by_names_one_may_not_read(den: Den, mapping: str) -> None:
    """A file with somebody's name is answered like one with a name that nobody has."""
    program, found = den.program["dan"], []
    for who in (NAME, NAME[::-1]):
        made = program.post(
            "/api/v1/imports/files",
            params={"entity": "den.deal", "name": "a.csv"},
            content=f"name,owner\nBy file,{who}\n".encode(),
            headers={"content-type": "text/csv"},
        )
        place = f"/api/v1/imports/files/{made.json()['id']}"
        answers = [made, program.post(f"{place}/preview", content=f"{{{mapping}}}".encode(), headers=TEXTS)]
        answers.append(den.browser["dan"].get(f"/import/draft/{made.json()['id']}"))
        found.append([plain(each, who) for each in answers])
    assert found[0] == found[1]
    assert '"match"' not in found[0][0][1]


def test_t04_a_change_of_hidden_fields_is_no_change_to_undo(den: Den) -> None:
    third = f"{DEALS}/{den.deals[2]}"
    answer = den.program["ada"].patch(third, json={"priv_text": "quiet"}, headers={"if-match": "*"})
    assert answer.status_code == 200
    seq = den.program["ada"].get(f"{third}/history").json()["items"][0]["seq"]
    before = den.program["ada"].get(third).json()
    found = [
        plain(den.program["ben"].post(f"{third}/changes/{each}/undo"), str(each)) for each in (seq, seq + 999)
    ]
    assert found[0] == found[1]
    assert found[0][0] >= 400
    assert den.program["ada"].get(third).json() == before


def test_t04_a_published_form_knows_a_field_left_out_no_better_than_a_misspelt_one(den: Den) -> None:
    offered = {"entity": "den.deal", "title": "Ask us", "fields": ["name", "stage"]}
    made = den.program["ada"].post("/api/v1/forms", json=offered)
    assert made.status_code == 201, made.text
    link = made.json()["link"]
    shown = den.nobody.get(link)
    assert [each for each in TOLD if each in shown.content] == []
    keys = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', shown.text))
    for name in FIELDS:
        found = [
            plain(den.nobody.post(link, data={**keys, "name": "x", each: "late"}), each)
            for each in (name, misspelt(name))
        ]
        assert found[0] == found[1]
        assert found[0][0] == 400
        asked_for = [
            plain(den.nobody.get(link, params={each: "late"}), each) for each in (name, misspelt(name))
        ]
        assert asked_for[0] == asked_for[1]


# ---------------------------------------------------------------- asked for on a condition
def wanting(answer: Response) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer.json()["problems"]]


def test_a_field_asked_for_on_a_condition_is_demanded_and_never_while_hidden(den: Den) -> None:
    """By the API, a board and an edit of many; `why` is asked for of what is lost."""
    program, missing = den.program["ben"], [("/why", "record.required")]
    any_version = {"if-match": "*"}
    assert wanting(program.post(DEALS, json={"name": "x", "stage": "lost"})) == missing
    assert wanting(program.post(DEALS, json={"name": "x", "stage": "lost", "why": None})) == missing
    made = program.post(DEALS, json={"name": "Asked", "stage": "open", "why": "not shown"})
    assert made.status_code == 201
    one = f"{DEALS}/{made.json()['id']}"
    assert program.get(one).json()["why"] is None
    assert wanting(program.patch(one, json={"stage": "lost"}, headers=any_version)) == missing
    put = {"field": "stage", "value": "lost"}
    assert wanting(program.post(f"{one}/place", json=put, headers=any_version)) == missing
    many = {"ids": [made.json()["id"]], "action": "set", "values": {"stage": "lost"}}
    (row,) = program.post(f"{DEALS}/bulk", json=many).json()["refused"]
    assert [each["code"] for each in row["problems"]] == ["record.required"]
    assert program.get(one).json()["stage"] == "open"
    both = program.patch(one, json={"stage": "lost", "why": "price"}, headers=any_version)
    assert both.status_code == 200
    assert program.patch(one, json={"stage": "won"}, headers=any_version).status_code == 200
    assert program.get(one).json()["why"] is None


def test_an_import_demands_what_a_condition_asks_for(den: Den) -> None:
    program = den.program["ben"]
    content = b"name,stage,why\nA,lost,\nB,lost,price\nC,open,not shown\n"
    file = program.post(
        "/api/v1/imports/files",
        params={"entity": "den.deal", "name": "a.csv"},
        content=content,
        headers={"content-type": "text/csv"},
    ).json()["id"]
    columns = {"columns": {name: name for name in ("name", "stage", "why")}}
    seen = program.post(f"/api/v1/imports/files/{file}/preview", json={"mapping": columns}).json()
    assert (seen["creates"], seen["failing"]) == (2, 1)
    assert [(each["row"], each["code"]) for each in seen["problems"]] == [(2, "record.required")]


def test_a_published_form_demands_what_a_condition_asks_for(den: Den) -> None:
    offered = {"entity": "den.deal", "title": "Tell us", "fields": ["name", "stage", "why"], "wait": 0}
    link = den.program["ada"].post("/api/v1/forms", json=offered).json()["link"]
    keys = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', den.nobody.get(link).text))
    refused = den.nobody.post(link, data={**keys, "name": "x", "stage": "lost"})
    assert refused.status_code == 422
    assert re.search(r'name="why"[^>]*aria-invalid="true"', refused.text)
    assert den.nobody.post(link, data={**keys, "name": "x", "stage": "open"}).status_code == 303
