"""T23, T24, T09 and R7 on files: nothing uploaded runs, no path reads a disk, and a file is seen where its record is."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response
from PIL import Image

from dacheng.runtime.services import doctor, files, pictures
from dacheng.runtime.storage import attachments as stored_attachments
from dacheng.runtime.storage import file_store
from tests.security.vault import DEALS, Vault, open_vault
from tests.support import postgres
from tests.support.pictures import picture

SCRIPT = b"<script>alert(1)</script>"
ACTIVE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg behind a comment": b'<!-- x --><?xml version="1.0"?><svg><script>alert(1)</script></svg>',
    "html": b"<!doctype html><html><body>" + SCRIPT,
    "html behind blanks": b"\n \t \n<html>" + SCRIPT,
    "html with a mark": b"\xef\xbb\xbf<html>" + SCRIPT,
    "xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT + b"</html>",
    "fragment": b"hello " + SCRIPT,
    "nul first": b"\x00\x00" + SCRIPT,
}
POLYGLOTS = {
    "gif and script": b"GIF89a/*" + b"x" * 40 + b"*/=1;alert(1)//",
    "png and html": b"\x89PNG\r\n\x1a\n" + SCRIPT,
    "jpeg and html": b"\xff\xd8\xff\xe0" + SCRIPT,
}
NAMES = ("a.svg", "a.html", "a.xhtml", "a.png", "a.pdf", "a.txt", "a.jpg.html", "a")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def vault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    folder = tmp_path_factory.mktemp("vault")
    if request.param == "sqlite":
        with open_vault(folder) as opened:
            yield opened
        return
    server: postgres.PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    with open_vault(folder, url) as opened:
        yield opened
    server.drop(url)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Vault]:
    """A workspace whose disk a test may spoil."""
    with open_vault(tmp_path / "own") as opened:
        yield opened


# ---------------------------------------------------------------- T23
@pytest.mark.parametrize("what", ACTIVE)
def test_t23_active_content_is_a_download_of_no_type_whatever_it_is_called(vault: Vault, what: str) -> None:
    for name in NAMES:
        ident = vault.file("ada", ACTIVE[what], name)
        answer = vault.browser["ada"].get(f"/files/{ident}")
        assert answer.content == ACTIVE[what]
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        policies = answer.headers.get_list("content-security-policy")
        assert "sandbox; default-src 'none'" in policies
        assert vault.browser["ada"].get(f"/files/{ident}/thumbnail").status_code == 404


def test_t23_a_pdf_with_a_script_is_never_shown_in_place(vault: Vault) -> None:
    content = b"%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript /JS (app.alert(1))>>>>\n" + SCRIPT
    answer = vault.browser["ada"].get(f"/files/{vault.file('ada', content, 'a.html')}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize("what", POLYGLOTS)
def test_t23_what_only_begins_like_a_picture_is_refused(vault: Vault, what: str) -> None:
    answer = vault.upload("ada", POLYGLOTS[what], "a.png")
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["problems"]] == ["file.not_an_image"]


def test_t23_a_picture_is_written_anew_without_what_was_hidden_in_it(vault: Vault) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Secret Camera"
    exif.get_ifd(0x8825)[1] = "N"
    secret = picture("JPEG", width=30, height=20, exif=exif, comment=SCRIPT) + b"PK\x03\x04" + SCRIPT
    assert b"Secret Camera" in secret
    ident = vault.file("ada", secret, "p.jpg")
    answer = vault.browser["ada"].get(f"/files/{ident}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline;")
    for trace in (b"Secret", b"script", b"PK\x03\x04", b"Exif"):
        assert trace not in answer.content
    small = vault.browser["ada"].get(f"/files/{ident}/thumbnail")
    assert Image.open(io.BytesIO(small.content)).size == (30, 20)
    kept = vault.browser["ada"].get(f"/files/{ident}?download=1")
    assert kept.headers["content-disposition"].startswith("attachment;")


def test_t23_a_decompression_bomb_is_refused_before_it_is_unpacked(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 10_000)
    answer = vault.upload("ada", picture("PNG", width=200, height=51), "bomb.png")
    assert [each["code"] for each in answer.json()["problems"]] == ["file.too_many_pixels"]
    vault.file("ada", picture("PNG", width=200, height=50), "small.png")


def test_t23_a_field_takes_only_what_it_says(vault: Vault) -> None:
    text = vault.file("ada", b"hello", "a.pdf")
    html = vault.file("ada", ACTIVE["html"], "a.pdf")
    big = vault.file("ada", b"%PDF-1.4" + b"x" * 2000, "a.pdf")
    pdf = vault.file("ada", b"%PDF-1.4", "a.exe")
    flat = vault.file("ada", picture("PNG"), "a.png")
    shot = vault.file("ada", picture("PNG"), "a.png", "camera")
    assert vault.refused("ada", papers=[html]) == [("file.wrong_type", "/papers")]
    assert vault.refused("ada", papers=[big]) == [("file.too_large", "/papers")]
    assert vault.refused("ada", logo=[pdf]) == [("file.wrong_type", "/logo")]
    assert vault.refused("ada", door=[flat]) == [("file.not_from_camera", "/door")]
    assert vault.refused("ada", note=[flat]) == [("file.wrong_type", "/note")]
    vault.deal("ada", papers=[text])
    record = vault.deal("ada", papers=[pdf], logo=[flat], door=[shot], signed=[flat])
    held = vault.program["ada"].get(f"{DEALS}/{record}").json()["papers"]
    assert held == [{"id": pdf, "name": "a.exe", "type": "application/pdf", "size": 8}]


def test_t23_what_a_sender_says_of_a_file_is_not_what_is_kept(vault: Vault) -> None:
    ident = vault.file("ada", ACTIVE["html"], "a.html")
    told = [{"id": ident, "name": "nice.png", "type": "image/png", "size": 1}]
    record = vault.deal("ada", contract=told)
    assert vault.program["ada"].get(f"{DEALS}/{record}").json()["contract"] == [
        {"id": ident, "name": "a.html", "type": "application/octet-stream", "size": len(ACTIVE["html"])}
    ]


# ---------------------------------------------------------------- T24
PATHS = [
    "../../settings.json", "..%2f..%2fsettings.json", "%2e%2e%2fdacheng.db", "/etc/passwd", "%2fetc%2fpasswd",
    "..\\..\\dacheng.db", "%00", "files", "0" * 64, "01890A5D-AC96-774B-BCCE-B302099A8057", "....//....//etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_t24_no_address_of_a_file_is_a_path(vault: Vault, path: str) -> None:
    for address in (f"/files/{path}", f"/files/{path}/thumbnail", f"/api/v1/files/{path}"):
        answer = vault.browser["ada"].get(address)
        assert answer.status_code == 404, address
        assert b"root:" not in answer.content


def test_t24_a_body_that_only_poses_as_an_upload_is_not_read(vault: Vault) -> None:
    posed = {"file": {"path": "/etc/passwd", "filename": "x", "size": 1}, "source": "upload"}
    client = vault.program["ada"]
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        answer = client.post("/api/v1/files", content=json.dumps(posed), headers={"content-type": kind})
        assert answer.status_code == 415, kind
    wrong: list[dict[str, object]] = [
        {"files": {"other": ("a", b"x")}},
        {"files": [("file", ("a", b"x")), ("file", ("b", b"y"))]},
        {"files": {"file": ("a", b"x")}, "data": {"path": "/etc/passwd"}},
        {"files": {"file": ("a", b"")}},
        {"files": {"file": ("a", b"x")}, "data": {"source": "/etc/passwd"}},
    ]
    for sent in wrong:
        answer = client.post("/api/v1/files", **sent)  # type: ignore[arg-type]
        assert answer.status_code in (400, 422), answer.text
    for value in ({"path": "/etc/passwd"}, ["/etc/passwd"], [{"id": "../x"}], {"id": "1", "path": "x"}):
        assert client.post(DEALS, json={"name": "n", "contract": value}).status_code == 422


def test_t24_a_name_leads_nowhere_and_breaks_no_header(vault: Vault) -> None:
    given = {
        "../../etc/passwd": "passwd",
        "C:\\Windows\\a.txt": "a.txt",
        'a"\r\nset-cookie: x=1': "a_set-cookie_ x=1",
        "\u202egnp.exe": "_gnp.exe",
        "...": "file",
        "x" * 400 + ".txt": "x" * 196 + ".txt",
        "合同 终版.txt": "合同 终版.txt",
        "<b>.txt": "_b_.txt",
    }
    for name, kept in given.items():
        assert files.clean_name(name) == kept
    ident = vault.file("ada", b"hello", '合同;\u3000"终版".txt')
    header = vault.browser["ada"].get(f"/files/{ident}").headers["content-disposition"]
    assert header.isascii()
    assert header.startswith('attachment; filename="')
    assert "filename*=UTF-8''%E5%90%88%E5%90%8C" in header


# ---------------------------------------------------------------- T09: whose file it is
def status(vault: Vault, who: str, ident: str) -> tuple[int, int]:
    page, told = f"/files/{ident}", f"/api/v1/files/{ident}"
    return vault.browser[who].get(page).status_code, vault.program[who].get(told).status_code


def test_t09_a_file_is_for_who_may_read_its_record_and_field(vault: Vault) -> None:
    ident, price = vault.file("ada", b"hello", "a.txt"), vault.file("ada", b"100", "p.txt")
    nobody = vault.nobody.get(f"/files/{ident}", headers={"accept": "text/html"})
    assert nobody.status_code == 303
    assert status(vault, "ben", ident) == (404, 404)  # uploaded, in no record yet
    mine = vault.program["ben"].get("/api/v1/me").json()["id"]
    record = vault.deal("ada", contract=[ident], price=[price], owner=mine)
    assert status(vault, "ben", ident) == (200, 200)
    assert status(vault, "cat", ident) == (404, 404)  # not her record
    assert status(vault, "ben", price) == (404, 404)  # his record, but not his field
    assert status(vault, "ada", price) == (200, 200)
    gone = vault.program["ada"].delete(f"{DEALS}/{record}", headers={"if-match": "*"})
    assert gone.status_code in (200, 204)
    assert status(vault, "ben", ident) == (404, 404)


def test_t09_hidden_and_unknown_files_are_answered_alike(vault: Vault) -> None:
    hidden = vault.file("ada", picture("PNG"), "a.png")
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    for template in ("/api/v1/files/{}", "/files/{}", "/files/{}/thumbnail"):
        first, second = (vault.program["ben"].get(template.format(each)) for each in (hidden, unknown))
        assert first.status_code == second.status_code == 404
        if template.startswith("/api/"):
            assert first.json()["problems"] == second.json()["problems"]
    assert vault.refused("ben", contract=[hidden]) == vault.refused("ben", contract=[unknown])


def test_t09_a_file_one_may_not_read_cannot_be_taken_into_an_own_record(vault: Vault) -> None:
    other = vault.file("cat", b"hello", "a.txt")
    vault.deal("cat", contract=[other])
    assert vault.refused("ben", contract=[other]) == [("file.unknown", "/contract")]
    own = vault.file("ben", b"mine", "b.txt")
    assert vault.refused("ben", contract=[own, other]) == [("file.unknown", "/contract/1")]
    vault.deal("ben", contract=[own])
    assert status(vault, "ben", other) == (404, 404)


# ---------------------------------------------------------------- attached to a record
def attach(vault: Vault, who: str, record: str, content: bytes, name: str = "a.txt") -> Response:
    return vault.program[who].post(f"{DEALS}/{record}/attachments", files={"file": (name, content)})


def test_t09_attachments_are_for_who_may_read_the_record_and_change_with_it(vault: Vault) -> None:
    mine = vault.program["ben"].get("/api/v1/me").json()["id"]
    record, unknown = vault.deal("ada", owner=mine), "01890a5d-ac96-774b-bcce-b302099a8057"
    made = attach(vault, "ada", record, b"hello")
    assert made.status_code == 201, made.text
    ident, file = made.json()["id"], made.json()["file"]["id"]
    assert status(vault, "ben", file) == (200, 200)
    assert status(vault, "cat", file) == (404, 404)
    hidden = []
    for each in (record, unknown):
        place, cat = f"{DEALS}/{each}/attachments", vault.program["cat"]
        answers = [
            cat.get(place),
            attach(vault, "cat", each, b"mine"),
            cat.delete(f"{place}/{ident}"),
            cat.post(f"{place}/{ident}/restore"),
            vault.browser["cat"].post(f"/apps/vault/deal/{each}/attachments", files={"file": ("a", b"x")}),
            vault.browser["cat"].post(f"/apps/vault/deal/{each}/attachments/{ident}/delete"),
        ]
        hidden.append([(one.status_code, [p["code"] for p in one.json()["problems"]]) for one in answers[:4]])
        assert [one.status_code for one in answers] == [404] * 6
    assert hidden[0] == hidden[1]
    other = vault.deal("ben")
    assert vault.program["ben"].delete(f"{DEALS}/{other}/attachments/{ident}").status_code == 404
    assert vault.program["ben"].delete(f"{DEALS}/{record}/attachments/{ident}").status_code == 204
    assert status(vault, "ben", file) == (404, 404)
    assert vault.program["ben"].post(f"{DEALS}/{record}/attachments/{ident}/restore").status_code == 200
    listed = vault.program["ben"].get(f"{DEALS}/{record}/attachments").json()["items"]
    assert [(one["id"], one["file"]["name"]) for one in listed] == [(ident, "a.txt")]


def test_who_only_reads_a_record_sees_its_attachments_and_adds_none(vault: Vault) -> None:
    record = vault.deal("ada")
    file = attach(vault, "ada", record, b"hello").json()["file"]["id"]
    ben = vault.program["ben"].get("/api/v1/me").json()["id"]
    given = vault.program["ada"].put(f"{DEALS}/{record}/collaborators/{ben}", json={"right": "read"})
    assert given.status_code == 204, given.text
    assert status(vault, "ben", file) == (200, 200)
    assert attach(vault, "ben", record, b"more").status_code == 403
    page = vault.browser["ben"].get(f"/apps/vault/deal/{record}").text
    assert f"/files/{file}?download=1" in page
    assert "data-attachments" not in page
    assert "data-attachments" in vault.browser["ada"].get(f"/apps/vault/deal/{record}").text


def test_attachments_go_to_the_bin_with_their_record_and_come_back_and_end_with_it(vault: Vault) -> None:
    mine = vault.program["ben"].get("/api/v1/me").json()["id"]
    record, ada = vault.deal("ada", owner=mine), vault.program["ada"]
    file = attach(vault, "ada", record, picture("PNG"), "a.png").json()["file"]["id"]
    place = f"{DEALS}/{record}"
    ada.delete(place, headers={"if-match": "*"})
    assert status(vault, "ben", file) == (404, 404)
    assert ada.get(f"{place}/attachments").status_code == 404
    assert ada.post(f"{place}/restore").status_code == 200
    assert status(vault, "ben", file) == (200, 200)
    assert len(ada.get(f"{place}/attachments").json()["items"]) == 1
    ada.delete(place, headers={"if-match": "*"})
    assert ada.post(f"{place}/purge", json={"consent": True}).status_code == 204
    assert vault.host.db.read_now(lambda reader: stored_attachments.holders(reader, [file])) == {}


def test_attaching_and_taking_off_stand_in_the_timeline(vault: Vault) -> None:
    record, browser = vault.deal("ada"), vault.browser["ada"]
    place = f"/apps/vault/deal/{record}"
    sent = [("file", ("a.txt", b"hello")), ("photo", ("p.png", picture("PNG"))), ("file", ("b.txt", b""))]
    answer = browser.post(f"{place}/attachments", files=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{place}#attachments")
    page = browser.get(place).text
    assert "“b.txt” was not attached" in page
    items = vault.program["ada"].get(f"{DEALS}/{record}/attachments").json()["items"]
    assert {one["file"]["name"]: one["file"]["source"] for one in items} == {
        "a.txt": "upload", "p.png": "camera",
    }  # fmt: skip
    gone = next(one["id"] for one in items if one["file"]["name"] == "a.txt")
    browser.post(f"{place}/attachments/{gone}/delete")
    assert f"{place}/attachments/{gone}/restore" in browser.get(place).text
    assert 'download title="a.txt"' not in browser.get(place).text
    events = vault.program["ada"].get(f"{DEALS}/{record}/timeline", params={"kind": "file"}).json()["items"]
    told = [(one["file"]["action"], one["file"]["name"]) for one in events]
    assert sorted(told) == [("create", "a.txt"), ("create", "p.png"), ("delete", "a.txt")]
    assert told[0] == ("delete", "a.txt")
    browser.post(f"{place}/attachments/{gone}/restore")
    assert 'download title="a.txt"' in browser.get(place).text


def test_the_sweep_leaves_what_is_attached(own: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    record = own.deal("ada")
    file = attach(own, "ada", record, b"kept").json()["file"]["id"]
    monkeypatch.setattr(file_store, "ORPHAN_SECONDS", -1)
    monkeypatch.setattr("dacheng.runtime.services.file_care.KEPT_MS", -1)
    doctor.repair(own.host)
    assert own.browser["ada"].get(f"/files/{file}").content == b"kept"
    assert problems(own) == []


def test_a_form_without_scripts_carries_its_files(vault: Vault) -> None:
    page = vault.browser["ben"].get("/apps/vault/deal/new")
    assert 'enctype="multipart/form-data"' in page.text
    sent = {
        "contract.upload": ("a.txt", b"hello"),
        "door.upload": ("d.png", picture("PNG")),
        "price.upload": ("p.txt", b"not his field"),
    }
    texts = {"name": "Posted", "contract": "", "door": "", "_key": "posted-1"}
    answer = vault.browser["ben"].post("/apps/vault/deal/new", data=texts, files=sent)
    assert answer.status_code == 303, answer.text[:2000]
    record = answer.headers["location"].split("?")[0].rsplit("/", 1)[1]
    found = vault.program["ada"].get(f"{DEALS}/{record}").json()
    assert [each["name"] for each in found["contract"]] == ["a.txt"]
    assert [each["type"] for each in found["door"]] == ["image/png"]
    assert found["price"] is None
    bad = {"logo.upload": ("x.png", POLYGLOTS["png and html"])}
    answer = vault.browser["ben"].post("/apps/vault/deal/new", data={**texts, "_key": "p2"}, files=bad)
    assert answer.status_code == 422
    assert "cannot be opened" in answer.text
    assert 'value="Posted"' in answer.text


def test_only_pages_that_need_a_device_may_ask_for_it(vault: Vault) -> None:
    form = vault.browser["ada"].get("/apps/vault/deal/new").headers.get_list("permissions-policy")
    assert form == ["camera=(self), microphone=(self), geolocation=()"]
    for page in ("/apps/vault/deal", "/", "/apps/core/user/new", f"/files/{vault.file('ada', b'x')}"):
        found = vault.browser["ada"].get(page).headers.get_list("permissions-policy")
        assert found == ["camera=(), microphone=(), geolocation=()"], page


# ---------------------------------------------------------------- the store
def problems(vault: Vault) -> list[str]:
    return [each.code for each in doctor.examine(vault.host, lambda *_: None).problems]


def blobs(vault: Vault) -> list[Path]:
    return sorted(each for each in (vault.host.settings.data / "files").rglob("*") if each.is_file())


def test_equal_contents_lie_on_disk_once_and_readable_by_the_owner_alone(own: Vault) -> None:
    first, second = own.file("ada", b"same", "a.txt"), own.file("ben", b"same", "b.txt")
    assert first != second
    (path,) = blobs(own)
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_bytes() == b"same"
    assert problems(own) == []


def test_the_sweep_takes_what_no_record_came_to_hold_and_nothing_else(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, dropped, once = (own.file("ada", each, "a.txt") for each in (b"kept", b"dropped", b"once"))
    own.deal("ada", contract=[kept])
    record = own.deal("ada", contract=[once])
    own.program["ada"].patch(f"{DEALS}/{record}", json={"contract": None}, headers={"if-match": "*"})
    stray = file_store.FileStore(own.host.settings.data).put(io.BytesIO(b"stray"))[0]
    assert problems(own) == []  # it may belong to an upload under way
    doctor.repair(own.host)
    assert len(blobs(own)) == 4  # all of today
    monkeypatch.setattr(file_store, "ORPHAN_SECONDS", -1)
    assert problems(own) == ["file.orphans"]
    monkeypatch.setattr("dacheng.runtime.services.file_care.KEPT_MS", -1)
    doctor.repair(own.host)
    assert [each.read_bytes() for each in blobs(own)].count(b"kept") == 1
    assert {each.read_bytes() for each in blobs(own)} == {b"kept", b"once"}  # history may bring it back
    assert own.program["ada"].get(f"/api/v1/files/{dropped}").status_code == 404
    assert not file_store.FileStore(own.host.settings.data).path(stray).exists()
    assert problems(own) == []


def test_a_lost_content_is_named_by_doctor_and_said_to_who_asks(own: Vault) -> None:
    ident = own.file("ada", b"hello", "a.txt")
    blobs(own)[0].unlink()
    assert problems(own) == ["file.lost"]
    assert own.browser["ada"].get(f"/files/{ident}").status_code == 503


def test_r7_a_full_disk_refuses_the_upload_and_leaves_nothing_behind(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own.file("ada", b"hello", "a.txt")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        answer = own.upload("ada", b"more", "b.txt")
    assert answer.status_code == 507
    assert [each["code"] for each in answer.json()["problems"]] == ["file.no_room"]
    assert len(blobs(own)) == 1
    assert own.browser["ada"].get(f"/files/{before}").content == b"hello"
    own.file("ada", b"more", "b.txt")
    assert problems(own) == []


def test_a_body_over_the_limit_is_refused_while_it_comes(own: Vault) -> None:
    limit = own.host.settings.max_upload_bytes
    answer = own.upload("ada", b"x" * (limit + 1), "big.txt")
    assert answer.status_code == 413
    form = own.browser["ada"].post(
        "/apps/vault/deal/new", content=b"name=" + b"x" * own.host.settings.max_body_bytes,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert form.status_code == 413


def test_nobody_fills_the_disk_with_files_that_no_record_holds(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_WAITING", 2)
    first = own.file("ben", b"1")
    own.file("ben", b"2")
    assert own.upload("ben", b"3").status_code == 429
    own.file("ada", b"4")
    own.deal("ben", contract=[first])
    own.file("ben", b"3")
