"""The real packages, read once: core, the fixture app shop, Sales Management."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata import builtin
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Catalogue, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.package import canonical, read_files, read_folder, to_files
from dacheng.metadata.strict_json import strict_json

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return Kinds.of([builtin.part()])


@pytest.fixture(scope="session")
def core(kinds: Kinds) -> Package:
    return read_folder(ROOT / "apps" / "core", kinds)


@pytest.fixture(scope="session")
def sales(kinds: Kinds) -> Package:
    return read_folder(ROOT / "apps" / "sales_management", kinds)


@pytest.fixture(scope="session")
def stores(kinds: Kinds) -> Package:
    return read_folder(ROOT / "apps" / "store_sales", kinds)


@pytest.fixture(scope="session")
def shop(kinds: Kinds) -> Package:
    return read_folder(ROOT / "tests" / "apps" / "shop", kinds)


@pytest.fixture(scope="session")
def catalogue(core: Package, shop: Package, sales: Package, kinds: Kinds) -> Catalogue:
    return compile_catalogue([sales, shop, core], kinds)


Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def edited(shop: Package, kinds: Kinds) -> Callable[[str, Edit], Package]:
    """The shop with one file changed: `edited("entities/order.json", lambda d: d.update(…))`."""

    def change(file: str, edit: Edit) -> Package:
        files = to_files(shop)
        content = strict_json(files[file]) if file in files else {}
        edit(content)
        from_json = {**files, file: to_files_bytes(content)}
        return read_files(from_json, kinds)

    return change


def to_files_bytes(content: Any) -> bytes:
    """One file's content as the product writes it."""
    return canonical(content).encode()
