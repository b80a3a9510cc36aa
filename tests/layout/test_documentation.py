"""Pages that enumerate say what the code says; links between pages lead somewhere."""

import re

import pytest

from tests.support.reference import PAGES, PART, PARTS, there
from tests.support.source import ROOT

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#]+)")


@pytest.mark.parametrize("name", sorted(PARTS))
def test_the_generated_part_of_a_reference_page_is_up_to_date(name: str) -> None:
    source, write = PARTS[name]
    if not there(source):
        pytest.skip(f"{source} is not there yet")
    found = {
        part: body
        for page in PAGES.glob("*.md")
        for _, part, body, _ in PART.findall(page.read_text("utf-8"))
    }
    assert found[name].strip() == write().strip(), "run: python -m tests.support.reference"


def test_every_link_between_pages_leads_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target.strip()).exists()
    ]
    assert dead == []


def test_readme_is_kept_in_both_languages() -> None:
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert len(re.findall("^## ", english, re.MULTILINE)) == len(re.findall("^## ", chinese, re.MULTILINE))
    commands = re.compile(r"^(?:make|dacheng|\.venv/bin/\S+) .*$|^make \w+$", re.MULTILINE)
    assert commands.findall(english) == commands.findall(chinese)
