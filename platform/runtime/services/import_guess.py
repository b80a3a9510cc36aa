"""Guessing a mapping: as last imported by the same person, else by names, by words that mean the same, by the values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Refused
from dacheng.runtime.services.import_cells import cell_reading
from dacheng.runtime.services.import_mapping import (
    ColumnMap,
    ImportMapping,
    fillable,
    labels_of,
    may_be_found,
    parse_mapping,
    plain_name,
    suggest_mapping,
    title_of,
)
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.reader import Reader

LOOKED_AT = 50  # rows that values are judged by
FEWEST = 2  # different values that say something
MEANINGLESS = ("x y", "7", "是")  # a field that takes one of these says nothing about a column it takes
SYNONYMS = (
    "电话 手机 手机号 手机号码 联系电话 电话号码 联系方式 phone mobile tel telephone cell phonenumber",
    "邮箱 电子邮箱 电子邮件 邮件 邮箱地址 email mail emailaddress",
    "客户 客户名称 公司 公司名称 单位 单位名称 企业名称 account accountname company companyname customer customername",
    "名称 名字 姓名 标题 name title fullname",
    "负责人 所属人 归属人 销售 销售员 业务员 owner salesperson salesagent salesrep accountowner",
    "备注 说明 描述 note notes remark remarks memo comment comments description",
    "地址 联系地址 详细地址 address street",
    "城市 所在城市 city town",
    "行业 所属行业 industry sector",
    "金额 合同金额 成交金额 总额 amount value total closevalue dealvalue",
    "来源 客户来源 线索来源 source leadsource",
    "阶段 销售阶段 状态 stage status dealstage",
    "编号 编码 代码 code number no id",
    "网址 网站 官网 website url homepage",
    "员工人数 人数 规模 employees headcount staff",
)
_MEANINGS = {word: at for at, group in enumerate(SYNONYMS) for word in group.split()}


def header_shape(header: Sequence[str]) -> str:
    """Files of the same columns, in whatever order, have the same."""
    return hashlib.sha256("\n".join(sorted(map(plain_name, header))).encode()).hexdigest()[:32]


def guess_mapping(reader: Reader, work: Work, entity: str, table: Table) -> ImportMapping:
    """What to begin with: never with times and people of the past, always with the app's rules."""
    kept = _remembered(reader, work, entity, table.header)
    if kept is not None:
        return kept
    named = suggest_mapping(work, entity, table.header)
    fields = fillable(work, entity, historic=False)
    columns = {each.field: each for each in named.columns}
    for guess in (_by_meaning, _by_values):
        taken = {each.column for each in columns.values()}
        free = [name for name in table.header if name not in taken]
        left = {
            name: each for name, each in fields.items() if name not in columns and may_be_found(work, each)
        }
        for field, column in guess(work, left, free, table).items():
            columns[field] = _mapped(work, fields[field], column)
    return replace(named, columns=tuple(columns[name] for name in fields if name in columns))


def _remembered(reader: Reader, work: Work, entity: str, header: Sequence[str]) -> ImportMapping | None:
    """The mapping of the person's latest import of the same columns, where it still fits."""
    shape = header_shape(header)
    for run in imports.runs(reader, actor=work.context.actor.id):
        if run.entity != entity or (run.detail or {}).get("header") != shape:
            continue
        raw: dict[str, Any] = {key: run.mapping[key] for key in ("columns", "key") if key in run.mapping}
        try:
            return parse_mapping(work, entity, header, raw)
        except Refused:
            continue
    return None


def _by_meaning(work: Work, left: Mapping[str, Field], free: Sequence[str], table: Table) -> dict[str, str]:
    """Columns and fields whose names mean the same, where exactly one of each does."""
    fields: dict[int, list[str]] = {}
    for name, field in left.items():
        meanings = {_MEANINGS.get(plain_name(text)) for text in (name, *labels_of(work, field))}
        for meaning in meanings - {None}:
            fields.setdefault(meaning or 0, []).append(name)
    columns: dict[int, list[str]] = {}
    for column in free:
        meant = _MEANINGS.get(plain_name(column))
        if meant is not None:
            columns.setdefault(meant, []).append(column)
    found: dict[str, str] = {}
    for meaning, names in columns.items():
        if len(names) == 1 == len(fields.get(meaning, ())):
            found.setdefault(fields[meaning][0], names[0])
    return found


def _by_values(work: Work, left: Mapping[str, Field], free: Sequence[str], table: Table) -> dict[str, str]:
    """Columns half of whose values, or more, one field alone takes, where that field does not take just anything."""
    rows = [cells for _, cells in islice(table.rows(), LOOKED_AT)]
    telling = {name: _takes(work, field) for name, field in left.items() if not field.leads_to_records}
    telling = {name: takes for name, takes in telling.items() if not any(map(takes, MEANINGLESS))}
    wanted: dict[str, list[str]] = {}
    for column in free:
        at = table.header.index(column)
        values = {row[at].strip() for row in rows if row[at].strip()}
        if len(values) < FEWEST:
            continue
        fitting = [
            name
            for name, takes in telling.items()
            if 2 * sum(map(takes, values)) >= max(len(values), 2 * FEWEST)
        ]
        if len(fitting) == 1:
            wanted.setdefault(fitting[0], []).append(column)
    return {name: columns[0] for name, columns in wanted.items() if len(columns) == 1}


def _takes(work: Work, field: Field) -> Any:
    read = cell_reading(work, field, ColumnMap(field.id, "?"))

    def takes(text: str) -> bool:
        try:
            return read(text) is not None
        except Refused:
            return False

    return takes


def _mapped(work: Work, field: Field, column: str) -> ColumnMap:
    return ColumnMap(field.id, column, match=title_of(work, field))
