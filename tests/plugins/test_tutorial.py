"""The tutorial's code is the code that runs here."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from dacheng.metadata.package import read_folder
from dacheng.runtime.services import install_app
from dacheng.runtime.services.install_app import Candidate
from tests.plugins import progress
from tests.plugins.opened import opened
from tests.plugins.ratings import plugin as ratings
from tests.support.source import ROOT

PAGE = ROOT / "docs" / "plugins.md"
INCLUDED = re.compile(r"<!-- included: (\S+) -->\n```python\n(.*?)```\n<!-- end -->", re.DOTALL)


def test_the_tutorial_shows_what_is_tested_in_at_most_thirty_lines() -> None:
    ((place, shown),) = INCLUDED.findall(PAGE.read_text("utf-8"))
    assert shown == (ROOT / place).read_text("utf-8")
    assert len(shown.splitlines()) <= 30


def test_the_tutorials_widget_stands_on_a_dashboard(tmp_path: Path) -> None:
    folder = tmp_path / "definitions"
    shutil.copytree(Path(ratings.__file__).with_name("definitions"), folder)
    board = {
        "kind": "progress",
        "measures": ["average_stars"],
        "order": 10,
        "props": {"goal": 10},
        "width": 4,
    }
    overview = folder / "dashboards" / "overview.json"
    overview.write_text(json.dumps({"id": "overview", "widgets": {"average": board}}), "utf-8")
    with opened(tmp_path / "data", {"progress": progress, "ratings": ratings}) as site:
        host = site.host
        install_app.install(host, host.work(), Candidate(read_folder(folder, host.kinds)))
        site.person("ada", "core.admin")
        for stars in (2, 4):
            answer = site.program("ada").post(
                "/api/v1/apps/ratings/visit", json={"title": "x", "stars": stars}
            )
            assert answer.status_code == 201
        page = site.browser("ada").get("/apps/ratings/dashboards/overview").text
        assert "30 %" in page
        assert "3.00 / 10" in page
