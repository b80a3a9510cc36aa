"""Addresses."""

from __future__ import annotations

from typing import Any

from dacheng.metadata.field_kinds.address import Address
from tests.contracts.field_kinds.cases import Case

WEST_LAKE = Address("浙江省", "杭州市", "西湖区", "文三路1号")
HAIDIAN = Address("北京市", "北京市", "海淀区", "中关村大街 27 号")


def said(address: Address) -> dict[str, Any]:
    return {
        "text": address.text,
        "province": address.province,
        "city": address.city,
        "district": address.district,
        "street": address.street,
    }


CASE = Case(
    spec={},
    values=[
        (said(WEST_LAKE), WEST_LAKE, ("浙江省杭州市西湖区文三路1号", "浙江省", "杭州市", "西湖区", "文三路1号")),
        (said(HAIDIAN), HAIDIAN, ("北京市海淀区中关村大街 27 号", "北京市", "北京市", "海淀区", "中关村大街 27 号")),
        ({"street": "10 Downing St"}, Address(street="10 Downing St"), ("10 Downing St", None, None, None, "10 Downing St")),
        ({"province": "海南省"}, Address("海南省"), ("海南省", "海南省", None, None, None)),
    ],
    bad=[
        1, [], {}, {"zip": "1"}, {"province": "浙江"}, {"province": "浙江省", "city": "北京市"}, {"city": "杭州市"},
        {"province": "浙江省", "city": "杭州市", "district": "海淀区"}, {"street": 1}, {"street": "x" * 301}, "x" * 301,
        True, {"street": "a\x00"},
    ],
    typed=[
        ("浙江省 杭州市 西湖区 文三路1号", WEST_LAKE),
        ("浙江杭州西湖区文三路1号", WEST_LAKE),
        ("杭州市西湖区文三路1号", WEST_LAKE),
        ("北京海淀区中关村大街 27 号", HAIDIAN),
        ("北京市/北京市/海淀区/中关村大街 27 号", HAIDIAN),
        ("新疆维吾尔自治区乌鲁木齐市天山区", Address("新疆维吾尔自治区", "乌鲁木齐市", "天山区")),
        ("广东东莞松山湖", Address("广东省", "东莞市", "", "松山湖")),
        ("某某大厦 3 楼", Address(street="某某大厦 3 楼")),
    ],
    live=lambda create: [said(WEST_LAKE), said(HAIDIAN)],
    sortable=False,  # an order by the line would be one by province names
    unique=False,  # several customers share an address
    grouped=False,
)  # fmt: skip
