"""Workbooks for tests, written part by part as spreadsheets write them: nothing of ours is in their making."""

import io
import zipfile
from collections.abc import Mapping

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = (
    f'<styleSheet {MAIN}><numFmts count="3"><numFmt numFmtId="176" formatCode="000000"/>'
    '<numFmt numFmtId="177" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/>'
    '<numFmt numFmtId="178" formatCode="[$-804]yyyy\\-mm\\-dd\\ hh:mm"/></numFmts><cellXfs count="8">'
    + "".join(f'<xf numFmtId="{n}"/>' for n in (0, 14, 176, 177, 178, 10, 4, 46))
    + "</cellXfs></styleSheet>"
)
GENERAL, DAY, SIX_DIGITS, CHINESE_DAY, MOMENT, SHARE, THOUSANDS, ELAPSED = range(8)


def cell(place: str, raw: str, kind: str = "n", style: int = 0) -> str:
    """One cell as it stands in a sheet."""
    if kind == "inlineStr":
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t>{raw}</t></is></c>'
    return f'<c r="{place}" s="{style}" t="{kind}"><v>{raw}</v></c>'


def sheet(*rows: str, start: int = 1) -> str:
    """A sheet of rows of cells."""
    body = "".join(f'<row r="{number}">{cells}</row>' for number, cells in enumerate(rows, start))
    return f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>"


def named(*names: str, row: int = 1) -> str:
    """A row of texts, one a column from A on."""
    return "".join(cell(f"{chr(65 + at)}{row}", name, "inlineStr") for at, name in enumerate(names))


def workbook(
    sheets: Mapping[str, str],
    *,
    texts: str = "",
    since_1904: bool = False,
    hidden: frozenset[str] = frozenset(),
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """The archive: `texts` are the `<si>` elements cells share, `extra` further parts or others in their place."""

    def state(name: str) -> str:
        return "hidden" if name in hidden else "visible"

    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}" state="{state(name)}"/>'
        for n, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{RELATION}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(sheets, 1)
    )
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATION}"><workbookPr date1904="{int(since_1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships>{links}<Relationship Id="s" Type="{RELATION}/styles" Target="styles.xml"/>'
        f'<Relationship Id="t" Type="{RELATION}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        f'<Relationship Id="x" Type="{RELATION}/externalLink" TargetMode="External" Target="file:///etc/passwd"/></Relationships>',
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f"<sst {MAIN}>{texts}</sst>",
        **{f"xl/worksheets/sheet{n}.xml": text for n, text in enumerate(sheets.values(), 1)},
        **(extra or {}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()
