"""The part of the wheel that setuptools does not know of: ``apps/`` and ``marketplace/`` as data."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ("apps", "marketplace")
INSIDE = Path("dacheng") / "runtime" / "packages"


class BuildWithPackages(build_py):
    """``build_py`` that also copies the repository's packages beside ``dacheng.runtime.bundled``.

    An editable install reads the repository's own folders, so nothing is copied for it.
    """

    def run(self) -> None:
        """Build as setuptools does into an empty tree, then lay the packages into it."""
        if not self.editable_mode:  # what an earlier build left behind is no part of this one
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        for name in BUNDLED:
            source, target = ROOT / name, Path(self.build_lib) / INSIDE / name
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
