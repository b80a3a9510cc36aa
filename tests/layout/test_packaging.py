"""The mapping of `dacheng` on `platform/` holds, and the wheel can carry what lies there."""

import json
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

from tests.support.source import PLATFORM, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LISTED: list[str] = PROJECT["tool"]["setuptools"]["packages"]


def package_folders() -> list[Path]:
    return sorted(init.parent for init in PLATFORM.rglob("__init__.py"))


def test_platform_has_no_init_that_would_hide_the_standard_library() -> None:
    assert not (PLATFORM / "__init__.py").exists()
    assert list(PLATFORM.glob("*.py")) == []


def test_the_packages_listed_are_the_folders_with_an_init() -> None:
    found = ["dacheng." + ".".join(f.relative_to(PLATFORM).parts) for f in package_folders()]
    assert sorted(LISTED) == sorted(found)


def test_every_folder_with_modules_has_an_init() -> None:
    with_modules = {module.parent for module in PLATFORM.rglob("*.py")}
    assert with_modules == set(package_folders())


def test_the_runtime_package_itself_stays_empty() -> None:
    assert (PLATFORM / "runtime" / "__init__.py").read_text("utf-8").strip() == ""


def test_type_checkers_find_the_package_through_the_link() -> None:
    assert (ROOT / ".import_path" / "dacheng").resolve() == PLATFORM


def test_every_data_file_is_named_by_the_package_data() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    carried: set[str] = set()
    for folder in package_folders():
        for pattern in patterns:
            carried.update(map(str, folder.glob(pattern)))
    tracked = subprocess.run(
        ["git", "ls-files", "platform"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    data = {str(ROOT / name) for name in tracked.stdout.split() if not name.endswith(".py")}
    assert {path for path in data if Path(path).is_file()} - carried == set()


def test_the_lock_names_no_registry_and_every_hash() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    libraries = {name: entry for name, entry in lock["packages"].items() if name}
    assert libraries
    assert [name for name, entry in libraries.items() if "resolved" in entry] == []
    assert [name for name, entry in libraries.items() if "integrity" not in entry] == []


def test_every_dependency_has_a_line_of_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text("utf-8").lower()
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {line.split(">=")[0].split("[")[0] for line in wanted} - {"dacheng"}
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    names |= {*package["dependencies"], *package["devDependencies"]}
    assert sorted(name for name in names if f"`{name}`" not in reasons) == []
