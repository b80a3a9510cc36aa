"""Commands about records: `import`, `undo-import`, `export`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json
from dacheng.runtime.cli.output import DONE, REFUSED, Output
from dacheng.runtime.cli.workspace import Commands, add_command, open_host
from dacheng.runtime.services import (
    export_records,
    import_preview,
    import_records,
    import_template,
    undo_import,
)
from dacheng.runtime.services.delimited import ENCODINGS
from dacheng.runtime.services.export_json import export_json
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.import_records import Outcome
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.import_workbook_template import template_workbook

WRITERS = {"xlsx": export_workbook, "json": export_json}


def register(commands: Commands) -> None:
    """Add this group's commands."""
    parser = add_command(commands, "import", "Import a CSV file or a workbook (XLSX).", import_file)
    parser.add_argument("app", metavar="APP")
    parser.add_argument("entity", metavar="ENTITY")
    parser.add_argument("file", metavar="FILE", nargs="?", default="")
    parser.add_argument("--map", metavar="FILE", help="mapping (JSON); without: columns by their names")
    parser.add_argument("--rules", choices=("on", "off"), default="on", help="run the app's rules")
    parser.add_argument("--historic", action="store_true", help="records of the past, as they were")
    parser.add_argument("--encoding", default="", metavar="E", help=", ".join(ENCODINGS))
    parser.add_argument(
        "--sheet", default="", metavar="NAME", help="sheet of a workbook (the first with rows)"
    )
    parser.add_argument("--errors", metavar="FILE", help="where rows that were not stored go")
    parser.add_argument("--preview", action="store_true", help="say what would happen, change nothing")
    parser.add_argument(
        "--template",
        action="store_true",
        help="write a file to fill in, to FILE (.xlsx: with choices) or to the screen",
    )
    parser.add_argument("--resume", metavar="RUN", help="go on with an import that was interrupted")
    parser = add_command(commands, "undo-import", "Take an import out again.", undo)
    parser.add_argument("import_run", metavar="RUN")
    parser = add_command(commands, "export", "Export records as CSV, workbook (XLSX) or JSON.", export)
    parser.add_argument("app", metavar="APP")
    parser.add_argument("entity", metavar="ENTITY")
    parser.add_argument("--out", metavar="FILE", help="file to write (standard output)")
    parser.add_argument("--fields", default="", metavar="F,…", help="fields (all that may be read)")
    parser.add_argument("--filter", default="", metavar="JSON", help="condition as JSON")
    parser.add_argument("--format", choices=("csv", *WRITERS), help="as the name of FILE ends, else csv")
    parser.add_argument("--headings", choices=("labels", "ids"), default="labels")


def import_file(given: argparse.Namespace, output: Output) -> int:
    """Import a file, say what importing it would do, or write one to fill in."""
    if given.template:
        return _template(given, output)
    if not given.file:
        raise argparse.ArgumentTypeError("dacheng import: name the FILE to import, or ask for a --template.")
    content = _read(given.file)
    raw = strict_json(_read(given.map), file=given.map) if given.map else None
    with open_host(given) as host:
        source = Source(Path(given.file).name, content, given.encoding, sheet=given.sheet)
        options = {"rules": given.rules == "on", "historic": given.historic}
        work = host.work(locale=output.locale)
        entity = f"{given.app}.{given.entity}"
        host.freeze()
        if given.preview:
            preview = import_preview.preview(host, work, entity, source, raw, **options)
            output.result(preview.json(output.locale), preview.lines(output.locale))
            return DONE
        if given.resume:
            done = import_records.go_on(host, work, given.resume, output.progress())
        else:
            done = import_records.start(
                host, work, entity, source, raw, progress=output.progress(), **options
            )
        errors = Path(given.errors or f"{given.file}.errors.csv")
        if done.failed:
            text = "".join(import_records.error_file(host, work, done.run))
            errors.write_text(text, encoding="utf-8-sig", newline="")
    _say_done(done, errors, output)
    return REFUSED if done.failed and not done.stored else DONE


def undo(given: argparse.Namespace, output: Output) -> int:
    """Undo an import."""
    with open_host(given) as host:
        result = undo_import.undo(host, host.work(), given.import_run, output.progress())
    output.result(
        {"run": given.import_run, "reversed": result.reversed, "kept": result.kept, "failed": result.failed},
        [f"{result.reversed} taken back, {result.kept} kept (edited since), {result.failed} could not"],
    )
    return DONE


def export(given: argparse.Namespace, output: Output) -> int:
    """Write records as CSV, as a workbook or as JSON: as the file's name ends, CSV without one."""
    condition = strict_json(given.filter.encode()) if given.filter else None
    fields = tuple(name for name in given.fields.split(",") if name)
    form = given.format or Path(given.out or "").suffix.lstrip(".").lower()
    with open_host(given, read_only=True) as host:
        work = host.work(locale=output.locale)
        wanted = export_records.Export(f"{given.app}.{given.entity}", fields, condition, given.headings)
        if form in WRITERS:
            return _export_bytes(given, output, WRITERS[form](host, work, wanted))
        lines = export_records.export(host, work, wanted)
        if not given.out:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            sys.stdout.writelines(lines)
            return DONE
        with Path(given.out).open("w", encoding="utf-8-sig", newline="") as stream:
            rows = sum(1 for line in lines if stream.write(line)) - 1
    output.result({"file": given.out, "rows": rows}, [f"{given.out}: {rows} rows"])
    return DONE


def _export_bytes(given: argparse.Namespace, output: Output, content: Iterator[bytes]) -> int:
    if not given.out:
        for piece in content:
            sys.stdout.buffer.write(piece)
        return DONE
    with Path(given.out).open("wb") as stream:
        size = sum(map(stream.write, content))
    output.result({"file": given.out, "bytes": size}, [f"{given.out}: {size} bytes"])
    return DONE


def _template(given: argparse.Namespace, output: Output) -> int:
    entity = f"{given.app}.{given.entity}"
    with open_host(given, read_only=True) as host:
        work = host.work(locale=output.locale)
        columns, lines = import_template.headings(work, entity), import_template.template(work, entity)
        if given.file.lower().endswith(".xlsx"):
            Path(given.file).write_bytes(b"".join(template_workbook(work, entity)))
        elif given.file:
            with Path(given.file).open("w", encoding="utf-8-sig", newline="") as stream:
                stream.writelines(lines)
    said = [given.file] if given.file else [line.rstrip("\r\n") for line in lines]
    output.result({"file": given.file or None, "columns": columns}, said)
    return DONE


def _say_done(done: Outcome, errors: Path, output: Output) -> None:
    document: dict[str, Any] = {
        "run": done.run,
        "rows": done.rows,
        "created": done.created,
        "updated": done.updated,
        "stored": done.stored,
        "failed": done.failed,
        "linked": dict(done.linked),
        "errors": str(errors) if done.failed else None,
    }
    lines = [f"{done.rows} rows: {done.stored} stored, {done.failed} in the error file"]
    lines += [f"{count} records of {ref} created for links" for ref, count in done.linked.items()]
    if done.failed:
        lines.append(f"not stored: {errors}")
    lines.append(f"to undo: dacheng undo-import {done.run}")
    output.result(document, lines)


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise refuse("host.file_unreadable", name=name, reason=error.strerror or "") from error
