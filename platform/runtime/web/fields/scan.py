"""Codes to scan: a line of text that a camera, a scanner that types, or a picture fills."""

from __future__ import annotations

from html import escape

from dacheng.metadata.definition import Field
from dacheng.runtime.web.fields.base import Control, FieldView, Marks, Setting, Texts, symbol
from dacheng.runtime.web.fields.text import TextView


class ScanView(TextView):
    """A text; the buttons appear where the browser can read codes."""

    verbatim = False
    scripts = ("scan.js",)
    devices = frozenset({"camera"})

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The line, a button for the camera, one for a picture, and the camera's dialog."""
        say, limit = setting.say, int(field.spec.get("maxLength", 255))
        head = (
            f'<div class="with-button" data-scan data-none="{escape(say("scan.none"))}">'
            f'<input class="in" name="{name}" id="{ident}" maxlength="{limit}" autocomplete="off" spellcheck="false"'
        )
        tools = (
            f'<button type="button" class="btn" data-open hidden>{symbol(setting.icons, "scan")}<span>{escape(say("scan.scan"))}</span></button>'
            f'<label class="btn btn-icon files-pick" title="{escape(say("scan.picture"))}" data-picture hidden>{symbol(setting.icons, "image")}'
            f'<input class="sr" type="file" accept="image/*" aria-label="{escape(say("scan.picture"))}"></label>'
            f'<dialog class="capture" data-camera aria-label="{escape(say("scan.scan"))}"><video playsinline muted data-video></video>'
            f'<p class="small" role="alert" data-no-device hidden>{escape(say("files.no_camera"))}</p>'
            f'<div class="row"><button type="button" class="btn" data-close>{escape(say("files.close"))}</button></div></dialog>'
        )

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            return (
                f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'
                f'{"" if marks.readonly else tools}</div><p class="small files-said" role="status" data-said></p>'
            )

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A plain line."""
        return FieldView.control(self, field, setting, name, ident)
