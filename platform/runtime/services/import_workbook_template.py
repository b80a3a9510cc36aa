"""A workbook to fill in: choices to pick from, required columns marked, and a second sheet that explains each column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Primitive, Spoken
from dacheng.metadata.problem import refuse
from dacheng.runtime.services.export_workbook import display_width, sheet_name
from dacheng.runtime.services.import_mapping import fillable, suggest_mapping
from dacheng.runtime.services.import_template import headings
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workbook_write import Heading, Sheet, column_name, write_workbook

CHOICES: Final = "choices"  # the hidden sheet
SHOWN_CHOICES: Final = 12
ENGLISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sheet": "How to fill in",
        "column": "Column",
        "required": "Required",
        "yes": "yes",
        "about": "What to write",
        "one_of": "One of: {choices}",
        "link": "The “{title}” of one {entity}",
        "date": "A day, e.g. {day}",
        "instant": "A day and a time, e.g. {day} 08:30",
        "number": "A number",
    }
)
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": ENGLISH,
        "zh-CN": {
            "sheet": "填写说明",
            "column": "列名",
            "required": "必填",
            "yes": "是",
            "about": "填写方式",
            "one_of": "从以下选项中选择：{choices}",
            "link": "填写对应{entity}的“{title}”",
            "date": "日期，例如 {day}",
            "instant": "日期和时间，例如 {day} 08:30",
            "number": "数字",
        },
    }
)


def template_workbook(work: Work, entity: str) -> Iterator[bytes]:
    """The bytes of the workbook; refused without the right to add records, as the import itself would be."""
    policy = work.entity(entity)
    if not policy.may("create"):
        raise refuse("access.not_permitted")
    fields = fillable(work, entity, historic=False)
    names = _starred(work, entity, fields, headings(work, entity))
    choices = {name: _choices(work, field) for name, field in fields.items()}
    offered = [texts for texts in choices.values() if texts]
    say = WORDS.get(work.context.locale, ENGLISH)
    columns = [
        Heading(
            heading,
            max(display_width(heading) + 4, 14),
            required=field.required,
            text=field.codec.columns[0].primitive is Primitive.TEXT,
            choices=_range(offered.index(choices[name]), len(choices[name])) if choices[name] else "",
        )
        for heading, (name, field) in zip(names, fields.items(), strict=True)
    ]
    explained = [
        [heading, say["yes"] if field.required else "", _about(work, field, choices[name], say)]
        for heading, (name, field) in zip(names, fields.items(), strict=True)
    ]
    title = work.model.labels.entity(work.context.locale, policy.entity, "plural")
    about = [Heading(say["column"], 28), Heading(say["required"], 10), Heading(say["about"], 90)]
    sheets = [Sheet(sheet_name(title), columns), Sheet(say["sheet"], about, explained)]
    if offered:
        lists = [list(row) for row in zip_longest(*offered, fillvalue="")]
        sheets.append(Sheet(CHOICES, [Heading(str(n)) for n, _ in enumerate(offered, 1)], lists, hidden=True))
    return write_workbook(sheets)


def _starred(work: Work, entity: str, fields: Mapping[str, Field], names: Sequence[str]) -> list[str]:
    """Required columns with a star, wherever the name still leads back to its field."""
    marked = [
        f"{name} *" if field.required else name for name, field in zip(names, fields.values(), strict=True)
    ]
    understood = {each.column: each.field for each in suggest_mapping(work, entity, marked).columns}
    return [
        mark if understood.get(mark) == field else name
        for mark, name, field in zip(marked, names, fields, strict=True)
    ]


def _choices(work: Work, field: Field) -> tuple[str, ...]:
    """What may be picked, in the reader's words."""
    locale = work.context.locale
    if field.options:
        return tuple(
            work.model.labels.option(locale, field, each.id) for each in field.options if not each.archived
        )
    if field.codec.columns[0].primitive is Primitive.BOOLEAN and isinstance(field.codec, Spoken):
        return tuple(field.codec.text_in(value, locale) for value in (True, False))
    return ()


def _range(at: int, count: int) -> str:
    letters = column_name(at)
    return f"'{CHOICES}'!${letters}$2:${letters}${count + 1}"


def _about(work: Work, field: Field, choices: Sequence[str], say: Mapping[str, str]) -> str:
    """How the column is filled in: its choices or its form, and the app's own help."""
    labels, locale = work.model.labels, work.context.locale
    primitive, parts = field.codec.columns[0].primitive, []
    day = date(2026, 1, 31).isoformat()
    if choices:
        more = " …" if len(choices) > SHOWN_CHOICES else ""
        parts.append(say["one_of"].format(choices=" / ".join(choices[:SHOWN_CHOICES]) + more))
    elif field.leads_to_records:
        target = work.policy.entity(field.to or "")
        if target is not None and target.title is not None:
            entity, title = labels.entity(locale, target.entity), labels.field(locale, target.title)
            parts.append(say["link"].format(entity=entity, title=title))
    else:
        form = {Primitive.DATE: "date", Primitive.INSTANT: "instant", Primitive.INTEGER: "number"}
        parts += [say[form[primitive]].format(day=day)] if primitive in form else []
    help_text = labels.help(locale, field)
    return " ".join([*parts, *([help_text] if help_text else [])])
