"""An upgrade's plan tells, on its page and in the API, which values would not fit a field's new kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.package import read_folder
from dacheng.runtime.bundled import bundled_packages
from dacheng.runtime.services import edit_labels, marketplace
from dacheng.runtime.services.install_app import Candidate
from tests.runtime.services.workspace import KINDS
from tests.security.conftest import Workspace

SALES = "sales_management"


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


@pytest.fixture
def upgrade(tmp_path: Path) -> Candidate:
    """The sales app, with the series of a product as a whole number."""
    folder = tmp_path / SALES
    shutil.copytree(bundled_packages() / "apps" / SALES, folder)
    edited(folder / "app.json", version="9.0.0")
    product = folder / "entities" / "product.json"
    fields = json.loads(product.read_text("utf-8"))["properties"]
    edited(product, properties=fields | {"series": {"x-kind": "integer", "x-order": 20}})
    data = next(each for each in (folder / "data").iterdir() if '"product"' in each.read_text("utf-8"))
    records = json.loads(data.read_text("utf-8"))["records"]
    edited(data, records=[{n: v for n, v in each.items() if n != "series"} for each in records])
    return Candidate(read_folder(folder, KINDS))


def test_the_plan_shows_how_many_values_do_not_fit_and_some_of_them(
    workspace: Workspace, upgrade: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketplace, "offered_package", lambda *_: upgrade)
    texts = {
        each["series"]
        for each in workspace.program("admin").get("/api/v1/apps/sales_management/product").json()["items"]
    }
    plan = workspace.program("admin").get(f"/api/v1/marketplace/{SALES}").json()["plan"]
    assert plan["problems"] == []
    (found,) = plan["retypes"]
    assert (found["entity"], found["field"], found["from"], found["to"]) == (
        f"{SALES}.product", "series", "text", "integer",
    )  # fmt: skip
    assert 0 < found["failing"] <= found["values"]
    assert set(found["samples"]) <= texts
    page = workspace.browser("admin").get(f"/marketplace/{SALES}")
    assert page.status_code == 200
    assert (
        f"{found['failing']} of {found['values']} values" in page.text
        or f"有 {found['failing']} 个" in page.text
    )
    assert found["samples"][0] in page.text


def test_the_plan_counts_what_becomes_of_words_of_ones_own(workspace: Workspace) -> None:
    host = workspace.host
    edit_labels.set_term(host, host.work(), SALES, "zh-CN", "customer", {"one": "车主"})
    try:
        text = workspace.browser("admin").get(f"/marketplace/{SALES}").text
    finally:
        edit_labels.reset_term(host, host.work(), SALES, "zh-CN", "customer")
    assert "Stay as they are" in text or "原样保留" in text
    assert "LayerOperation" not in text
