"""Packages on disk and in archives: read strictly, written so that equal content gives equal bytes."""

from __future__ import annotations

import io
import stat
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dacheng.metadata import signature
from dacheng.metadata.archive import archive_files, write_archive
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.package import read_archive, read_files, read_folder, to_files, write_folder
from dacheng.metadata.problem import Refused
from dacheng.metadata.strict_json import strict_json
from tests.metadata.conftest import ROOT


@pytest.mark.parametrize(
    "folder", ["apps/core", "apps/sales_management", "apps/store_sales", "tests/apps/shop"]
)
def test_a_package_is_written_byte_for_byte_as_it_was_read(folder: str, kinds: Kinds, tmp_path: Path) -> None:
    package = read_folder(ROOT / folder, kinds)
    for name, data in to_files(package, kinds).items():
        assert (ROOT / folder / name).read_bytes() == data
    write_folder(package, tmp_path, kinds)
    assert read_folder(tmp_path, kinds) == package


def test_an_archive_of_a_package_is_deterministic_and_reads_back(shop: Package, kinds: Kinds) -> None:
    archive = write_archive(to_files(shop, kinds))
    assert archive == write_archive(dict(reversed(to_files(shop, kinds).items())))
    assert read_archive(archive, kinds).hash == shop.hash


JSON_BAD = [
    (b"{", "json.syntax"),
    (b"", "json.syntax"),
    (b"[1] 2", "json.syntax"),
    (b"[NaN]", "json.number"),
    (b"[-Infinity]", "json.number"),
    (b"1e999", "json.number"),
    (b"1e-999", "json.number"),
    (b"1" * 65, "json.number"),
    (b'{"a": 1, "a": 1}', "json.duplicate_key"),
    (b'[{"b": {"a": 1, "c": 2, "a": 1}}]', "json.duplicate_key"),
    (b"[" * 65 + b"]" * 65, "json.too_deep"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "json.too_deep"),
    (b"[" * 100_000, "json.too_deep"),
    (b'"\xff"', "json.encoding"),
    ('"客"'.encode("gb18030"), "json.encoding"),
    ('"a"'.encode("utf-16"), "json.encoding"),
    (rb'"\ud800"', "json.surrogate"),
    (rb'{"\udc00": 1}', "json.surrogate"),
    (b'"\x01"', "json.syntax"),
    (b" " * 5_000_001, "json.too_large"),
]


@pytest.mark.parametrize(("data", "code"), JSON_BAD)
def test_json_from_outside_is_strict(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        strict_json(data)
    assert refused.value.problems[0].code == code


def test_json_numbers_stay_exact_and_brackets_in_texts_do_not_count() -> None:
    assert strict_json(b"[0.10, 12, -3, 1E2]") == [Decimal("0.10"), 12, -3, Decimal("1E2")]
    assert strict_json(b'["' + b"[" * 500 + b'", "\\"[[", {}]') == ["[" * 500, '"[[', {}]
    assert strict_json(b"\xef\xbb\xbf{}") == {}
    assert strict_json(rb'"\ud83d\ude00"') == "😀"


def test_exact_numbers_survive_reading_and_writing(shop: Package, kinds: Kinds) -> None:
    files = to_files(shop)
    text = files["rules/bonus.json"].decode().replace("1000", "0.1", 1)
    package = read_files({**files, "rules/bonus.json": text.encode()}, kinds)
    assert to_files(package)["rules/bonus.json"].decode() == text
    assert read_files(to_files(package), kinds).hash == package.hash


def test_all_unreadable_files_are_reported_at_once(shop: Package, kinds: Kinds) -> None:
    files = to_files(shop)
    files["entities/order.json"] = b"{"
    files["forms/order.json"] = b"[]"
    files["pictures/a.png"] = b""
    files["lists/other.json"] = b'{"id": "another"}'
    files["labels/en.json"] = b'{"labels": {"a": 1}}'
    with pytest.raises(Refused) as refused:
        read_files(files, kinds)
    found = {(one.file, one.code) for one in refused.value.problems}
    assert found == {
        ("entities/order.json", "json.syntax"),
        ("forms/order.json", "definition.wrong_type"),
        ("pictures/a.png", "package.unknown_file"),
        ("lists/other.json", "package.id_is_not_file"),
        ("labels/en.json", "definition.wrong_type"),
    }


def test_a_folder_without_a_manifest_or_with_a_link_is_refused(kinds: Kinds, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"app\.json"):
        read_folder(tmp_path, kinds)
    (tmp_path / "app.json").write_text('{"id": "a", "version": "1.0.0", "locales": ["en"]}')
    (tmp_path / "assets").symlink_to("/etc")
    with pytest.raises(Refused) as refused:
        read_folder(tmp_path, kinds)
    assert refused.value.problems[0].code == "package.link"


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, data in entries:
            made.writestr(name, data)
    return target.getvalue()


def linked() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        entry = zipfile.ZipInfo("assets/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(entry, "/etc/passwd")
    return target.getvalue()


def lying() -> bytes:
    """An archive whose directory says a file is shorter than it is."""
    data = bytearray(archive(("app.json", b"x" * 5000), method=zipfile.ZIP_DEFLATED))
    start = data.rindex(b"PK\x01\x02")
    data[start + 24 : start + 28] = (10).to_bytes(4, "little")
    return bytes(data)


NAMES = [
    "../a",
    "/a",
    "a/../b",
    "A.json",
    "a b",
    "a\\b",
    "客户.json",
    "a" * 121,
    "a//b",
    "c:/a",
    "a\nb",
    "./a",
    "labels/EN.json",
]
ARCHIVES = [
    *[(archive((name, b"x")), "package.bad_name") for name in NAMES],
    (archive(*[(f"a{i}", b"") for i in range(2001)]), "package.too_large"),
    (archive(("a", b"0" * 1_000_000), method=zipfile.ZIP_DEFLATED), "package.bomb"),
    (archive(("a", b"x" * 1000), method=zipfile.ZIP_BZIP2), "package.bomb"),
    (linked(), "package.link"),
    (lying(), None),
    (b"", "package.not_an_archive"),
    (b"\x1f\x8b\x08\x00", "package.not_an_archive"),
    (b"PK\x03\x04" + b"\x00" * 100, "package.not_an_archive"),
    (archive(("app.json", b"{}"))[:-10], "package.not_an_archive"),
]


@pytest.mark.parametrize(("data", "code"), ARCHIVES)
def test_t17_a_malformed_archive_is_refused(data: bytes, code: str | None) -> None:
    with pytest.raises(Refused) as refused:
        archive_files(data)
    if code is not None:
        assert refused.value.problems[0].code == code


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_t17_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        archive_files(archive(("labels/zh-CN.json", b"a"), ("labels/zh-cn.json", b"b")))
    assert refused.value.problems[0].code == "package.duplicate"
    with pytest.raises(Refused):
        archive_files(archive(("a", b"a"), ("a", b"b")))


def test_t17_a_broken_archive_never_raises_anything_else(shop: Package) -> None:
    good = write_archive(to_files(shop))
    for position in range(0, len(good), max(1, len(good) // 300)):
        broken = bytearray(good)
        broken[position] ^= 0xFF
        try:
            archive_files(bytes(broken))
        except Refused:
            continue


def test_a_signature_covers_every_byte_and_only_trusted_keys_count(shop: Package) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    files = to_files(shop)
    signed = signature.sign(files, key.private_bytes_raw())
    assert signature.check(signed, [public]) == public
    cases = [
        ({**signed, "app.json": signed["app.json"] + b" "}, [public], "package.bad_signature"),
        ({**signed, "assets/more.png": b""}, [public], "package.bad_signature"),
        (
            {name: data for name, data in signed.items() if name != "roles/clerk.json"},
            [public],
            "package.bad_signature",
        ),
        (signed, [], "package.unknown_signer"),
        (files, [public], "package.unsigned"),
        ({**signed, "signature.json": b'{"key": 1}'}, [public], "package.bad_signature"),
        ({**signed, "signature.json": b"[]"}, [public], "package.bad_signature"),
    ]
    for changed, trusted, code in cases:
        with pytest.raises(Refused) as refused:
            signature.check(changed, trusted)
        assert refused.value.problems[0].code == code
