"""The demo, smaller: both apps with the firms that live in them, served once for every day that is walked."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from dacheng.runtime.cli import demo
from dacheng.runtime.cli.output import Output
from dacheng.runtime.host import Host
from dacheng.runtime.settings import Settings
from tests.browser.conftest import listening

SHARE = 0.03


@dataclass(frozen=True)
class Firm:
    """Where the demo is served, and its people's passwords by address."""

    url: str
    host: Host
    signs: Mapping[str, str]


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """The demo with a small share of its firms."""
    host = Host.open(Settings(data=tmp_path_factory.mktemp("firm")))
    signs = demo.prepare(host, Output(as_json=True, locale="zh-CN", out=io.StringIO()), SHARE)
    with listening(host) as url:
        yield Firm(url, host, signs)
    host.close()
