"""The hand-written application: list page, form page, JSON list, create, import.

Run it with `uvicorn benchmarks.limit.app:app --workers 1 --loop uvloop --http httptools`; see
`database.py` for its environment. LIMIT_AUDIT=1 writes one more row with each create.
"""

from __future__ import annotations

import csv
import gc
import io
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
import jsonschema_rs
import orjson
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from benchmarks.limit import database
from benchmarks.limit import records as data
from benchmarks.limit.entity import FIELDS, audit, customer, employee, to_row

AUDIT = os.environ.get("LIMIT_AUDIT") == "1"
PAGE = 50
CHUNK = 5000

LIST_NAMES = (
    "id", "name", "email", "phone", "status", "segment", "country", "city", "credit_limit", "currency",
    "customer_since",
)  # fmt: skip
HEADS = [
    ("name", "Name"), ("email", "Email"), ("phone", "Phone"), ("status", "Status"), ("segment", "Segment"),
    ("country", "Country"), ("city", "City"), ("credit_limit", "Credit limit"), ("customer_since", "Since"),
    ("account_manager_id", "Account manager"),
]  # fmt: skip
FILTERS = ("status", "country", "segment")
CHOICES = {
    "statuses": data.STATUS,
    "segments": data.SEGMENT,
    "industries": data.INDUSTRY,
    "currencies": data.CURRENCY,
}
MANAGER = employee.c.name.label("account_manager")
JOIN = customer.outerjoin(employee, customer.c.account_manager_id == employee.c.id)
LIST_SELECT: sa.Select[Any] = sa.select(*[customer.c[n] for n in LIST_NAMES], MANAGER).select_from(JOIN)
FULL_SELECT: sa.Select[Any] = sa.select(customer)
ONE_SELECT = sa.select(customer, MANAGER).select_from(JOIN).where(customer.c.id == sa.bindparam("pk"))
COUNT = sa.select(sa.func.count()).select_from(customer)
ALL_NAMES = ("id", *FIELDS)
INSERT, INSERT_AUDIT = customer.insert(), audit.insert()

validator = jsonschema_rs.validator_for(data.CUSTOMER_SCHEMA, validate_formats=True)
templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    auto_reload=False,
)
LIST_PAGE, FORM_PAGE = templates.get_template("list.html"), templates.get_template("form.html")


def errors_of(record: object) -> list[str]:
    """What the schema has against a record."""
    return [] if validator.is_valid(record) else [e.message for e in validator.iter_errors(record)]


def list_query(base: sa.Select[Any], params: QueryParams) -> tuple[sa.Select[Any], sa.Select[Any], int]:
    """The page's statement, its count, and the page number."""
    conditions = [customer.c[name] == params[name] for name in FILTERS if params.get(name)]
    sort = params.get("sort", "-credit_limit")
    column = customer.c[sort.lstrip("-")]
    page = max(1, int(params.get("page", 1)))
    rows = base.where(*conditions).order_by(column.desc() if sort[0] == "-" else column.asc())
    return rows.limit(PAGE).offset((page - 1) * PAGE), COUNT.where(*conditions), page


def json_response(body: Any, status: int = 200) -> Response:
    """`body` as JSON."""
    return Response(orjson.dumps(body), status, media_type="application/json")


async def list_page(request: Request) -> Response:
    """50 rows of 10 columns, with filters, sorting and the number of pages."""
    params = request.query_params
    statement, count, page = list_query(LIST_SELECT, params)
    rows, total = database.read(lambda c: (c.execute(statement).fetchall(), c.execute(count).scalar_one()))
    kept = urlencode([(k, params[k]) for k in (*FILTERS, "q") if params.get(k)])
    query = {name: params.get(name) for name in ("status", "country", "q")}
    query |= {"base": kept, "sort": params.get("sort", "-credit_limit")}
    return HTMLResponse(
        LIST_PAGE.render(
            rows=rows,
            total=total,
            page=page,
            q=query,
            heads=HEADS,
            pages=-(-total // PAGE),
            statuses=data.STATUS,
        )
    )


async def form_page(request: Request) -> Response:
    """The form of one record with its 20 fields."""
    pk = int(request.path_params["id"])
    row = database.read(lambda c: c.execute(ONE_SELECT, {"pk": pk}).mappings().first())
    if row is None:
        return Response("not found", 404)
    return HTMLResponse(FORM_PAGE.render(r=dict(row), **CHOICES))


async def list_json(request: Request) -> Response:
    """50 whole records and how many there are."""
    statement, count, _ = list_query(FULL_SELECT, request.query_params)

    def work(connection: sa.Connection) -> tuple[list[dict[str, Any]], int]:
        rows = [dict(zip(ALL_NAMES, row, strict=True)) for row in connection.execute(statement)]
        return rows, connection.execute(count).scalar_one()

    rows, total = database.read(work)
    return json_response({"total": total, "data": rows})


async def create(request: Request) -> Response:
    """One record validated and stored."""
    try:
        record = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        return json_response({"errors": [str(error)]}, 400)
    if errors := errors_of(record):
        return json_response({"errors": errors}, 422)
    row = to_row(record)

    def work(connection: sa.Connection) -> int:
        key = connection.execute(INSERT, row).inserted_primary_key
        pk = int(key[0]) if key else 0
        if AUDIT:
            changes = orjson.dumps(record).decode()
            fixed = {"ts": time.time(), "actor": 1, "entity": "customer", "action": "create"}
            connection.execute(INSERT_AUDIT, {**fixed, "record_id": pk, "changes": changes})
        return pk

    try:
        pk = await database.write(work)
    except sa.exc.IntegrityError as error:
        return json_response({"errors": [str(error.orig)]}, 409)
    return json_response({"id": pk, **record}, 201)


def import_csv(text: str) -> dict[str, int]:
    """Validate every row, insert in chunks, in one transaction: all or nothing."""
    imported, chunk = 0, []
    with database.write_lock, database.engine.begin() as connection:
        for line, raw in enumerate(csv.DictReader(io.StringIO(text)), 2):
            record: dict[str, Any] = {name: value for name, value in raw.items() if value != ""}
            if "account_manager_id" in record:
                record["account_manager_id"] = int(record["account_manager_id"])
            if errors := errors_of(record):
                raise ValueError(f"line {line}: {errors[0]}")
            chunk.append(to_row(record))
            if len(chunk) == CHUNK:
                connection.execute(INSERT, chunk)
                imported, chunk = imported + len(chunk), []
        if chunk:
            connection.execute(INSERT, chunk)
    return {"imported": imported + len(chunk)}


async def bulk_import(request: Request) -> Response:
    """A CSV file with a header line."""
    text = (await request.body()).decode()
    try:
        return json_response(await run_in_threadpool(import_csv, text), 201)
    except ValueError as error:
        return json_response({"errors": [str(error)]}, 422)


async def ping(request: Request) -> Response:
    """The server answers."""
    return Response(b"ok", media_type="text/plain")


app = Starlette(
    routes=[
        Route("/ping", ping),
        Route("/customers", list_page),
        Route("/customers/{id:int}", form_page),
        Route("/api/customers", list_json, methods=["GET"]),
        Route("/api/customers", create, methods=["POST"]),
        Route("/api/customers/import", bulk_import, methods=["POST"]),
    ]
)
database.start()
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
