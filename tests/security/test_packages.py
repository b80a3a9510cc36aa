"""T17, R16: a broken package given to the command is refused in a sentence, quickly, and nothing has changed.

The web takes no package at all: it installs what is on offer, by id.
"""

from __future__ import annotations

import hashlib
import io
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dacheng.metadata import signature
from dacheng.metadata.archive import write_archive
from dacheng.metadata.package import to_files
from dacheng.runtime.cli import main
from dacheng.runtime.services import install_app, marketplace
from dacheng.runtime.services.install_app import Candidate
from tests.faults.shop_versions import edition
from tests.runtime.workspace import workspace
from tests.security.conftest import Workspace
from tests.security.test_access import ROUTES

SECONDS = 2.0
OURS, THEIRS = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return target.getvalue()


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """The archive with a name changed in place, past what a writer would refuse."""
    assert len(old) == len(new)
    return data.replace(old, new)


def linked(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO(zipped(files))
    with zipfile.ZipFile(target, "a") as archive:
        entry = zipfile.ZipInfo("assets/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return target.getvalue()


def damaged(data: bytes) -> bytes:
    """One byte of the first file's content flipped: its checksum is wrong."""
    at = data.index(b'"', 40)
    return data[:at] + b"\x00" + data[at + 1 :]


def sign(files: dict[str, bytes], key: Ed25519PrivateKey = OURS) -> bytes:
    return write_archive(signature.sign(files, key.private_bytes_raw()))


def broken(files: dict[str, bytes], older: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    good = sign(files)
    manifest = files["app.json"].decode()
    extra = zipped({**files, "assets/one.png": b"1", "assets/two.png": b"2"}, zipfile.ZIP_STORED)
    yield "nothing", b""
    yield "no archive", b"not a package"
    yield "tar", b"app.json".ljust(257, b"\0") + b"ustar\x0000"
    for part in (30, 300, len(good) // 2, len(good) - 10):
        yield f"cut at {part}", good[:part]
    yield "wrong checksum", damaged(good)
    yield "bomb", zipped({**files, "assets/big.png": b"0" * 40_000_000})
    yield "archive in an archive", zipped({"package.zip": good})
    yield "65,000 entries", zipped({f"assets/{n}": b"" for n in range(65_000)}, zipfile.ZIP_STORED)
    yield "two of one name", renamed(extra, b"assets/two.png", b"assets/one.png")
    yield "names of another case", renamed(extra, b"assets/two.png", b"assets/ONE.png")
    yield "absolute", renamed(extra, b"assets/two.png", b"/tmp/there.png")
    yield "upwards", renamed(extra, b"assets/two.png", b"../../../a.png")
    yield "backslashes", renamed(extra, b"assets/two.png", b"..\\..\\..\\a.png"[:14])
    yield "NUL", renamed(extra, b"assets/two.png", b"assets/t\0o.png")
    yield "link", linked(files)
    yield "UTF-16", sign({**files, "app.json": manifest.encode("utf-16")})
    yield "cut manifest", sign({**files, "app.json": files["app.json"][:20]})
    yield "no manifest", sign({name: data for name, data in files.items() if name != "app.json"})
    yield "not signed", write_archive(files)
    yield "signed by another", sign(files, THEIRS)
    yield (
        "changed after",
        write_archive({**signature.sign(files, OURS.private_bytes_raw()), "app.json": b"{}"}),
    )
    yield "downgrade", sign(older)
    yield "deep", sign({**files, "app.json": b'{"a":' * 5000 + b"1" + b"}" * 5000})
    yield "large", sign({**files, "labels/en.json": b" " * 5_000_001})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the second version of the shop, which trusts one key."""
    data = tmp_path_factory.mktemp("place") / "data"
    with workspace(data) as host:
        trusted = data / "trusted_keys"
        trusted.mkdir(exist_ok=True)
        (trusted / "ours.pub").write_text(OURS.public_key().public_bytes_raw().hex())
        for number in (1, 2):
            candidate = marketplace.from_archive(host, sign(content(edition(host.kinds, number))))
            install_app.install(host, host.work(), candidate)
    return data


def everything(data: Path) -> dict[str, str]:
    """What lies in the data folder, by its content; nothing outside is written by a refusal either."""
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in data.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal", ".lock"))
    }


def content(candidate: Candidate) -> dict[str, bytes]:
    return dict(to_files(candidate.package))


def test_t17_a_broken_package_is_refused_in_a_sentence_and_nothing_changes(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with workspace(place) as host:
        newer, older = content(edition(host.kinds, 3)), content(edition(host.kinds, 1))
    before, wrong = everything(place), []
    for what, data in broken(newer, older):
        file = tmp_path / "package.zip"
        file.write_bytes(data)
        started = time.process_time()
        code = main(["app", "install", str(file), "--data", str(place)])
        took, said = time.process_time() - started, capsys.readouterr().err
        calm = code == 1 and len(said.strip()) > 20 and "Traceback" not in said and "defect" not in said
        if not calm or took > SECONDS or everything(place) != before:
            wrong.append((what, code, round(took, 2), said[-200:], everything(place) == before))
    assert wrong == []


def test_t18_the_same_package_signed_by_a_trusted_key_is_installed(place: Path, tmp_path: Path) -> None:
    with workspace(place) as host:
        files = content(edition(host.kinds, 3))
    (tmp_path / "package.zip").write_bytes(sign(files))
    assert main(["app", "install", str(tmp_path / "package.zip"), "--data", str(place)]) == 0


def test_t17_the_web_takes_no_package_and_no_path(workspace: Workspace) -> None:
    uploads = {path for (path, _), route in ROUTES.items() if route.upload}
    attached = {f"{root}/{{app}}/{{entity}}/{{id}}/attachments" for root in ("/apps", "/api/v1/apps")}
    assert uploads == {"/import", "/api/v1/imports/files", "/api/v1/files", *attached}
    before = workspace.checksum()
    page, program = workspace.browser("admin"), workspace.program("admin")
    for name in ("..%2f..%2fetc", "%2Ftmp%2Fx.zip", "..", "shop", "a%00b"):
        assert page.post(f"/marketplace/{name}/install", data={}).status_code in {303, 404, 405, 422}
        assert program.post(f"/api/v1/marketplace/{name}/install", json={}).status_code in {404, 405, 422}
    assert workspace.checksum() == before
