"""The marketplace's listings follow their schema and tell the truth about the packages they offer."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import fill
from dacheng.metadata.package import read_folder
from tests.metadata.conftest import ROOT

LISTINGS = sorted((ROOT / "marketplace" / "listings").glob("*.json"))


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_a_listing_agrees_with_its_package(path: Path, kinds: Kinds) -> None:
    listing = json.loads(path.read_text("utf-8"))
    schema = json.loads((ROOT / "marketplace" / "listing.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(listing)
    package = read_folder(ROOT / listing["package"], kinds)
    assert (
        (package.id, package.version) == (listing["id"], listing["version"]) == (path.stem, package.version)
    )
    assert sorted(package.manifest["requires"]) == listing["requires"]
    assert listing["version"] in listing["changelog"]
    named = fill(package.labels["zh-CN"]["app"], package.terms["zh-CN"])
    assert listing["name"]["zh-CN"] == named or package.id == "core"


def test_the_slice_is_offered() -> None:
    assert {"core", "sales_management"} <= {path.stem for path in LISTINGS}
