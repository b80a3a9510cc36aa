"""What every page hands to its template: a frozen dataclass, with the shell's navigation ready."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

THEME_COOKIE = "dacheng_theme"
LOCALE_COOKIE = "dacheng_locale"
NOTICE_COOKIE = "dacheng_notice"
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go: text as people read it, address, icon of `static/icons.svg`, and its key."""

    label: str
    href: str
    icon: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Links under one heading of the side bar."""

    heading: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame around a signed-in page; the same for every page of one person and one version."""

    workspace: str
    user_id: str
    user_name: str
    groups: tuple[Group, ...]
    tabs: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence shown once, above the page: `tone` is good, watch, risk or info.

    `undo` is the address a small form posts to take the last step back; empty for none.
    """

    text: str
    tone: str = "good"
    undo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The base of every page's dataclass.

    `current` is the key of the side-bar link that is lit; `back` is where the phone's arrow leads;
    `scripts` are the modules of `static/js` this page needs besides the shell's own.
    """

    title: str
    current: str = ""
    crumbs: tuple[Link, ...] = ()
    back: str = ""
    scripts: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    def mould(self) -> Hashable | None:
        """What decides the page's own block but for its holes; None where it is drawn anew each time."""
        return None

    def hollow(self, hole: Callable[[str], str]) -> Page:
        """The page to draw a mould with: `hole(name)` wherever `filling` has something to put."""
        return self

    def filling(self) -> Mapping[str, str]:
        """The HTML of each hole of the mould."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage(Page):
    """One sentence instead of a page: not found, no permission, an error with its number.

    `lines` say what happened and what to do; `reference` is the id to quote to an administrator.
    """

    lines: tuple[str, ...] = ()
    reference: str = ""
    links: tuple[Link, ...] = ()
