"""Files, pictures, photos, signatures and voice notes: shown small, taken in by the control that suits each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.file import FilesCodec
from dacheng.metadata.field_kinds.file_types import ENDINGS, RASTER
from dacheng.metadata.field_kinds.text_list import items_of, written
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import (
    EMPTY,
    UNARY,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    symbol,
)
from dacheng.runtime.web.words import Words, sentences

SHOWN = 3
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class FilesView(FieldView):
    """A field of files. `way` says how a file is made here (`pick`, `photo`, `sign`, `record`), `source` what the
    upload says of it, `icon` and `word` are those of the button."""

    way: str = "pick"
    source: str = "upload"
    icon: str = "upload"
    word: str = "files.choose"
    devices: frozenset[str] = frozenset()
    scripts: tuple[str, ...] = ("files.js",)
    operators: tuple[str, ...] = UNARY
    uploads: bool = True

    def cell(self, field: Field, setting: Setting) -> Cell:
        """Small pictures, else names, each leading to the file; of many the first, and how many more."""
        shown = SHOWN if self.way != "pick" or _codec(field).groups == ("image",) else 1

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            ids, about = items_of(stored[0]), items_of(stored[1])
            drawn = [_small(i, a, setting) for i, a in zip(ids[:shown], about, strict=False)]
            more = f'<span class="faint">+{len(ids) - shown}</span>' if len(ids) > shown else ""
            return f'<span class="files-cell">{"".join(drawn)}{more}</span>'

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """What is held, the ways to add to it, and the value for the form; without scripts a plain file input."""
        codec, say = _codec(field), setting.say
        accept = ",".join(sorted(codec.accepts | {ENDINGS[kind] for kind in codec.accepts}))
        capture = {"photo": ' capture="environment"', "record": " capture"}.get(self.way, "")
        head = (
            f'<div class="files" data-files="{self.way}" data-source="{self.source}" data-most="{codec.limit}"'
            f' data-largest="{codec.largest}" data-types="{accept}" data-name="{name}"'
            f"{way_words(setting.say)}"
            f' data-wrong-type="{escape(say("files.wrong_type", name="{name}", groups=_groups(codec, setting)))}"'
            f' data-too-large="{escape(say("files.too_large", limit=_megabytes(codec.largest)))}"'
            f' data-too-many="{escape(say("files.too_many", limit=codec.limit))}">'
        )
        pick = (
            f'<label class="btn files-pick">{symbol(setting.icons, self.icon)}<span>{escape(say(self.word))}</span>'
            f'<input class="sr" type="file" id="{ident}" name="{name}.upload" accept="{accept}"{capture}'
            f"{' multiple' if codec.limit > 1 else ''}"
        )
        extra, limits = self.further(setting, ident), _limits(codec, setting)

        def draw(texts: Texts, marks: Marks) -> str:
            value = texts.get(name, "")
            items = "".join(_item(each, name, setting, marks.readonly) for each in _read(value))
            must = " required" if marks.required and not value else ""
            described = f' aria-describedby="{marks.described}"' if marks.described else ""
            wrong = ' aria-invalid="true"' if marks.wrong else ""
            tools = (
                ""
                if marks.readonly
                else f'<div class="files-tools">{pick}{must}{wrong}{described}></label>{extra}</div>{limits}'
            )
            return (
                f'{head}<ul class="files-list">{items}</ul>{tools}'
                f'<p class="files-said small" role="status"></p>{_template(setting)}'
                f'<input type="text" name="{name}" value="{escape(value)}" hidden data-value></div>'
            )

        return draw

    def further(self, setting: Setting, ident: str) -> str:
        """Further ways to make a file, hidden until a script has found what they need."""
        return ""

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The files as JSON text."""
        return {name: written(value) or "" if value else ""}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The files held, without those ticked to go; those uploaded with the form come behind."""
        held = [each for each in _read(texts.get(name, "")) if f"{name}.drop.{each.get('id')}" not in texts]
        added = _read(texts.get(f"{name}.added", ""))
        found = [*held, *added] if _codec(field).limit > 1 or not added else added
        return found or None

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The names."""
        return ", ".join(str(each.get("name", "")) for each in _read(texts.get(name, "")))


class PhotoView(FilesView):
    """Pictures straight from the camera: the phone's own, or a preview where a computer has one."""

    def further(self, setting: Setting, ident: str) -> str:
        """The dialog with the camera's picture, for computers."""
        say = setting.say
        return (
            f'<dialog class="capture" data-camera aria-label="{escape(say("files.camera"))}">'
            f'<video playsinline muted data-video></video><p class="small" role="alert" data-no-device hidden>{escape(say("files.no_camera"))}</p>'
            f'<div class="row"><button type="button" class="btn btn-quiet" data-close>{escape(say("files.close"))}</button>'
            f'<button type="button" class="btn btn-primary" data-shoot>{symbol(setting.icons, "camera")}{escape(say("files.shoot"))}</button></div></dialog>'
        )


class SignatureView(FilesView):
    """A name drawn with finger, pen or mouse; typed by whoever draws with none of them."""

    def further(self, setting: Setting, ident: str) -> str:
        """The button, and the dialog with the sheet to sign on."""
        say = setting.say
        return (
            f'<button type="button" class="btn" data-sign hidden>{symbol(setting.icons, "pen")}{escape(say("files.sign"))}</button>'
            f'<dialog class="capture" data-signature aria-label="{escape(say("files.signature"))}">'
            f'<div class="sign-sheet"><canvas width="960" height="360" data-canvas></canvas><span class="sign-line" aria-hidden="true"></span></div>'
            f'<label class="small" for="{ident}-typed">{escape(say("files.type_name"))}</label>'
            f'<input class="in" id="{ident}-typed" maxlength="60" autocomplete="name" data-typed>'
            f'<div class="row"><button type="button" class="btn btn-quiet" data-clear>{escape(say("files.clear"))}</button>'
            f'<span class="grow"></span><button type="button" class="btn btn-quiet" data-close>{escape(say("files.close"))}</button>'
            f'<button type="button" class="btn btn-primary" data-use>{escape(say("files.use_signature"))}</button></div></dialog>'
        )


class VoiceView(FilesView):
    """Spoken notes, played where they stand."""

    def further(self, setting: Setting, ident: str) -> str:
        """The button that records, and its clock."""
        say = setting.say
        return (
            f'<button type="button" class="btn" data-record hidden aria-pressed="false" data-stop-word="{escape(say("files.stop"))}"'
            f' data-no-device="{escape(say("files.no_microphone"))}">{symbol(setting.icons, "mic")}<span>{escape(say("files.record"))}</span></button>'
            f'<span class="num small" role="timer" data-clock hidden>0:00</span>'
        )


# ---------------------------------------------------------------- parts
def _codec(field: Field) -> FilesCodec:
    assert isinstance(field.codec, FilesCodec)
    return field.codec


def _read(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return []
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _small(ident: str, about: Mapping[str, Any], setting: Setting) -> str:
    """One file in a cell: a small picture, a player, or its name."""
    name, kind = escape(str(about["name"])), about["type"]
    if kind in RASTER:
        return f'<a class="thumb" href="/files/{ident}"><img src="/files/{ident}/thumbnail" alt="{name}" loading="lazy"></a>'
    if str(kind).startswith("audio/"):
        return (
            f'<audio class="player" controls preload="none" src="/files/{ident}" aria-label="{name}"></audio>'
        )
    return f'<a class="file-link" href="/files/{ident}">{symbol(setting.icons, "file")}<span class="clip">{name}</span></a>'


def _item(each: Mapping[str, Any], name: str, setting: Setting, readonly: bool) -> str:
    """One file in a form; without scripts it is taken out by a tick."""
    ident, title = escape(str(each.get("id", ""))), str(each.get("name", ""))
    about = {"name": title, "type": each.get("type", "")}
    drop = escape(setting.say("files.remove", name=title))
    out = (
        ""
        if readonly
        else f'<label class="check small" data-drop><input type="checkbox" name="{name}.drop.{ident}" value="1"><span>{drop}</span></label>'
    )
    return f'<li class="files-item" data-id="{ident}">{_small(ident, about, setting)}{out}</li>'


def _template(setting: Setting) -> str:
    """The row of a file that a script fills in."""
    remove = escape(setting.say("files.remove", name="{name}"))
    return (
        f'<template data-item><li class="files-item"><a class="thumb" data-picture><img alt="" data-thumbnail></a>'
        f'<audio class="player" controls preload="none" data-audio></audio>{symbol(setting.icons, "file")}'
        f'<a class="grow clip" data-title></a><span class="faint small num" data-size></span>'
        f'<button type="button" class="btn btn-quiet btn-icon btn-small" data-remove-file data-word="{remove}">{symbol(setting.icons, "x")}</button></li></template>'
    )


def _limits(codec: FilesCodec, setting: Setting) -> str:
    """What may be put here, in a line below the button."""
    say, groups = setting.say, _groups(codec, setting)
    text = (
        say("files.limits", groups=groups, size=_megabytes(codec.largest))
        if groups
        else say("files.limits_any", size=_megabytes(codec.largest))
    )
    many = say("files.up_to", count=codec.limit) if codec.limit > 1 else ""
    return f'<p class="hint">{escape(sentences(setting.locale, text, many))}</p>'


def _groups(codec: FilesCodec, setting: Setting) -> str:
    kinds = "、" if setting.locale == "zh-CN" else ", "
    return kinds.join(setting.say(f"files.group_{group}") for group in codec.groups)


def way_words(say: Words) -> str:
    """The sentences of a file on its way, as data attributes of its place."""
    words = {
        "uploading": say("files.uploading"),
        "on-way": say("files.on_way", name="{name}"),
        "failed": say("files.failed"),
        "refused": say("files.refused"),
        "retry": say("files.retry"),
        "stop": say("files.close"),
        "stop-named": say("files.cancel", name="{name}"),
    }
    return "".join(f' data-{key}="{escape(text)}"' for key, text in words.items())


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:g} MB" if size >= MEGABYTE else f"{size // 1000} kB"


VIEWS: Mapping[str, FieldView] = {
    "file": FilesView(),
    "image": FilesView(icon="image", word="files.choose_picture"),
    "photo": PhotoView("photo", "camera", "camera", "files.take_photo", frozenset({"camera"})),
    "signature": SignatureView("sign", "upload", "upload", "files.choose_signature"),
    "voice": VoiceView("record", "upload", "upload", "files.choose_recording", frozenset({"microphone"})),
}
