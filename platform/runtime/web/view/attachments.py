"""The card of files attached to a record: what they are, who put them there, and how to add and take off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.services.files import is_picture
from dacheng.runtime.web.fields.base import Setting

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class AttachedShown:
    """One file; `picture` is where its small picture is, `remove` where its removal is posted, both may be empty."""

    id: str
    name: str
    href: str
    picture: str
    size: str
    by: str
    at: str
    when: str
    remove: str


@dataclass(frozen=True, slots=True)
class Attached:
    """The card; `action` is where files are posted to, empty for who may not add any."""

    items: tuple[AttachedShown, ...]
    action: str


def attached_card(
    found: Sequence[Attachment], setting: Setting, address: str, *, writable: bool
) -> Attached | None:
    """The card; None where nothing is attached and the reader may add nothing."""
    if not found and not writable:
        return None
    place = f"{address}/attachments"
    return Attached(
        tuple(_shown(each, setting, place if writable else "") for each in found), place if writable else ""
    )


def _shown(each: Attachment, setting: Setting, place: str) -> AttachedShown:
    moment = datetime.fromtimestamp(each.at / 1000, setting.zone)
    href = f"/files/{each.file.id}"
    return AttachedShown(
        id=each.id,
        name=each.file.name,
        href=href,
        picture=f"{href}/thumbnail" if is_picture(each.file) else "",
        size=sized(each.file.size),
        by=each.author or setting.say("record.someone"),
        at=moment.isoformat(timespec="seconds"),
        when=f"{moment:%Y-%m-%d %H:%M}",
        remove=f"{place}/{each.id}/delete" if place else "",
    )


def sized(size: int) -> str:
    """How large a file is, in words."""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE else f"{max(1, round(size / 1000))} kB"
