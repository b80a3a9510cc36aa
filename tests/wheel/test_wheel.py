"""The wheel carries everything it needs: installed beside nothing else, it finds its own packages."""

import os
import re
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support import run_folder
from tests.support.source import ROOT

PHRASE = "a calm long pass phrase"


@pytest.fixture(scope="module")
def wheel() -> Path:
    """Built once a run: two builds at a time would share one build tree."""
    with run_folder.locked("wheel") as folder:
        if not list(folder.glob("dacheng-*.whl")):
            arguments = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
            subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
        return next(folder.glob("dacheng-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents alone; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.strip()


def test_the_wheel_carries_every_file_that_lies_in_the_repository(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "platform", "apps", "marketplace"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = {
        f"dacheng/{name.removeprefix('platform/')}"
        if name.startswith("platform/")
        else f"dacheng/runtime/packages/{name}"
        for name in listed.stdout.splitlines()
        if (ROOT / name).is_file() and not Path(name).name.startswith(".")
    }
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert wanted - carried == set()
    assert not any(name.startswith(("tests/", "benchmarks/", "build_backend/")) for name in carried)


def test_the_wheel_carries_the_browser_libraries_with_their_licences(wheel: Path) -> None:
    vendor = "dacheng/runtime/web/static/vendor/"
    carried = {n.removeprefix(vendor) for n in zipfile.ZipFile(wheel).namelist() if n.startswith(vendor)}
    assert {"alpine-csp.min.js", "echarts.min.js", "inter-latin.woff2", "LICENSES.txt"} <= carried


def test_the_installed_wheel_reads_its_own_packages(installed: Path) -> None:
    code = "from dacheng.runtime.bundled import bundled_packages; print(bundled_packages())"
    assert Path(run(installed, code)) == installed / "dacheng" / "runtime" / "packages"


def test_the_standard_library_keeps_its_platform_module(installed: Path) -> None:
    assert run(installed, "import platform; print(platform.system())") == os.uname().sysname


@pytest.fixture
def served(installed: Path, tmp_path: Path) -> Iterator[httpx2.Client]:
    """Sales Management, installed by the wheel's own command and served from a new data folder."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    call = "import sys; from dacheng.runtime.cli import main; sys.exit(main())"
    command, data = [sys.executable, "-c", call], ["--data", str(tmp_path / "data")]
    for words, typed in (
        (("setup", "boss@example.com", "--name", "Boss", "--password-stdin"), PHRASE),
        (("app", "install", "sales_management", "--no-sample"), ""),
    ):
        line = [*command, *words, *data]
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, input=typed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with subprocess.Popen(
        [*command, "serve", "--port", str(port), *data], cwd=tmp_path, env=environment
    ) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_until_ready(client, server)
            yield client
        server.terminate()


def wait_until_ready(client: httpx2.Client, server: "subprocess.Popen[bytes]") -> None:
    limit = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < limit:
        try:
            client.get("/sign-in")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the installed wheel did not serve")


def test_the_installed_wheel_installs_and_serves_sales_management(served: httpx2.Client) -> None:
    page = served.get("/sign-in")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    sheets = re.findall(r'<link[^>]*href="([^"]+\.css[^"]*)"', page.text)
    assert sheets
    assert {served.get(sheet).status_code for sheet in sheets} == {200}
    assert served.get("/api/v1/apps/sales_management/account").status_code == 401


# ---------------------------------------------------------------- an environment of its own
@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment into which `pip` put the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    clean = outside()
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], cwd=folder, env=clean, check=True)
    commands = folder / "env" / "bin"
    install = [str(commands / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*install, str(wheel)], cwd=folder, env=clean, capture_output=True, text=True)
    if done.returncode and re.search(NO_INDEX, done.stderr):
        pytest.skip("no package index is reachable, so the wheel's dependencies cannot be installed")
    assert done.returncode == 0, done.stderr
    return commands


NO_INDEX = (
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError|No matching distribution found for"
)


def outside() -> dict[str, str]:
    """This process' environment without what would lend the new one this repository's modules."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }


def test_a_new_environment_with_the_wheel_alone_installs_and_serves_the_slice(
    bare: Path, tmp_path: Path
) -> None:
    command, data = str(bare / "dacheng"), ["--data", str(tmp_path / "data")]

    def run_there(*words: str, typed: str = "") -> str:
        done = subprocess.run(
            [command, *words, *data], cwd=tmp_path, env=outside(), input=typed, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    run_there("setup", "boss@example.com", "--name", "Boss", "--password-stdin", typed=PHRASE)
    run_there("app", "install", "sales_management")
    token = run_there("token", "create", "boss@example.com").splitlines()[-1]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        subprocess.Popen(
            [command, "serve", "--port", str(port), *data], cwd=tmp_path, env=outside()
        ) as server,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        try:
            wait_until_ready(client, server)
            look_around(client, token)
        finally:
            server.terminate()


def look_around(client: httpx2.Client, token: str) -> None:
    """The first page and one list, as a browser and as a program see them."""
    own = {"sec-fetch-site": "same-origin"}
    form = {"email": "boss@example.com", "password": PHRASE, "next": "/"}
    assert client.post("/sign-in", data=form, headers=own).status_code == 303
    first = client.get("/")
    assert first.status_code == 200
    assert "/apps/sales_management/opportunity" in first.text
    listed = client.get("/apps/sales_management/opportunity")
    assert listed.status_code == 200
    assert len(re.findall(r"<tr", listed.text)) > 10
    client.cookies.clear()
    found = client.get(
        "/api/v1/apps/sales_management/opportunity", headers={"authorization": f"Bearer {token}"}
    ).json()
    assert found["items"]
