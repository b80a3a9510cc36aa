"""Settings: what wins over what, what is refused, and that the reference page lists them all."""

import json
import re
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.settings import describe_settings, load_settings, save_settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_arguments_win_over_environment_and_file(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"port": 1, "zone": "UTC", "locale": "en"}))
    environment = {"DACHENG_PORT": "2", "DACHENG_ZONE": "Asia/Tokyo"}
    settings = load_settings({"data": tmp_path, "port": 3, "host": None}, environment)
    assert (settings.port, settings.zone, settings.locale) == (3, "Asia/Tokyo", "en")
    assert settings.host == "127.0.0.1"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    environment = {
        "DACHENG_PORT": "many",
        "DACHENG_ZONE": "Mars/Base",
        "DACHENG_BASE_URL": "javascript:alert(1)",
        "DACHENG_SMTP_SECURITY": "please",
    }
    (tmp_path / "settings.json").write_text('{"prot": 1}')
    with pytest.raises(Refused) as refused:
        load_settings({"data": tmp_path}, environment)
    pointers = {problem.pointer for problem in refused.value.problems}
    assert pointers == {"/port", "/zone", "/base_url", "/smtp_security", "/prot"}


@pytest.mark.parametrize("text", ["{", "[1]", "\udcff", "[" * 5000])
def test_a_broken_file_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refused) as refused:
        load_settings({"data": tmp_path}, {})
    assert refused.value.problems[0].code == "host.settings_unreadable"


def test_saved_settings_are_read_again_and_private(tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path}, {})
    changed = save_settings(settings, {"base_url": "https://crm.example.com/", "smtp_password": "s3"})
    assert changed.https
    assert changed.sender == "no-reply@crm.example.com"
    again = load_settings({"data": tmp_path}, {})
    assert again == changed
    assert (tmp_path / "settings.json").stat().st_mode & 0o077 == 0
    assert "s3" not in repr(again)


def test_a_refused_change_leaves_the_file_alone(tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path}, {})
    with pytest.raises(Refused):
        save_settings(settings, {"base_url": "ftp://x"})
    assert not (tmp_path / "settings.json").exists()


def test_reference_page_lists_every_setting_with_its_default() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (.*?) \| (.*) \|$", REFERENCE.read_text("utf-8"), re.MULTILINE
    )
    expected = [
        (name, variable, f"`{default}`" if default else "", help_)
        for name, variable, default, help_ in describe_settings()
    ]
    assert rows == expected
