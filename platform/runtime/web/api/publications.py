"""Published forms for administrators' programs: listed, published, changed, switched off."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import publications
from dacheng.runtime.services.publications import (
    MAX_FIELDS,
    MAX_ORIGINS,
    MAX_TEXT,
    MAX_TITLE,
    Publication,
    Terms,
)
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import NUMBER, TEXT, TRUTH, Json, Operation, items, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.routing import host_of, work_of

ALL: Final = "/api/v1/forms"
ONE: Final = ALL + "/{id}"
NAME: Final[Json] = {"type": "string", "maxLength": 100}
LONG: Final[Json] = {"type": "string", "maxLength": MAX_TEXT}
ORIGIN: Final[Json] = {"type": "string", "maxLength": 300}
TERMS: Final[dict[str, Json]] = {
    "title": {"type": "string", "maxLength": MAX_TITLE},
    "fields": {"type": "array", "items": NAME, "maxItems": MAX_FIELDS},
    "intro": LONG,
    "consent": LONG,
    "success": LONG,
    "tracked": NAME,
    "origins": {"type": "array", "items": ORIGIN, "maxItems": MAX_ORIGINS},
    "per_hour": NUMBER,
    "wait": NUMBER,
    "owner": NAME,
}
NEW: Final = Body({"entity": NAME, **TERMS}, ("entity", "title", "fields"))
CHANGE: Final = Body({**TERMS, "enabled": TRUTH, "version": NUMBER})
SHOWN: Final = shape(id=TEXT, entity=TEXT, link=TEXT, enabled=TRUTH, count=NUMBER, version=NUMBER, **TERMS)
SENT: Final = shape(id=TEXT, record=TEXT, tracked=TEXT, consent=TEXT, address=TEXT, at=NUMBER)


async def list_forms(request: Request) -> Response:
    """Every published form."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: publications.listed(reader, work))
    return answer({"items": [each.json() for each in found]})


async def show_form(request: Request) -> Response:
    """One of them, with its latest submissions."""
    work, ident = work_of(request), str(request.path_params["id"])

    def read(reader: Reader) -> dict[str, Any]:
        sent = publications.submissions(reader, work, ident)
        rows = [{name: getattr(each, name) for name in SENT["properties"]} for each in sent]
        return {**publications.find(reader, work, ident).json(), "submissions": rows}

    return answer(await host_of(request).db.read(read))


async def publish_form(request: Request) -> Response:
    """Publish a form over an entity."""
    body, work = await NEW.read(request), work_of(request)
    act = partial(publications.publish, work=work, entity=body["entity"], terms=Terms.of(body))
    made = await host_of(request).db.write(act)
    response = answer(made.json(), 201)
    response.headers["location"] = f"{ALL}/{made.id}"
    return response


async def change_form(request: Request) -> Response:
    """Change what is named; `enabled` switches it off and on."""
    body, work, ident = await CHANGE.read(request), work_of(request), str(request.path_params["id"])
    found: Publication = await host_of(request).db.read(lambda reader: publications.find(reader, work, ident))
    named = {name: value for name, value in body.items() if name in TERMS}
    act = partial(
        publications.change,
        work=work,
        ident=ident,
        terms=Terms.of({**found.terms.json(), **named}) if named else None,
        enabled=body.get("enabled"),
        version=body.get("version", found.version),
    )
    return answer((await host_of(request).db.write(act)).json())


OPERATIONS: Final = (
    Operation("GET", ALL, list_forms, "list_forms", items(SHOWN)),
    Operation("POST", ALL, publish_form, "publish_form", SHOWN, body=NEW, status=201),
    Operation(
        "GET",
        ONE,
        show_form,
        "show_form",
        shape(**SHOWN["properties"], submissions=list_of(SENT)),
    ),
    Operation("PATCH", ONE, change_form, "change_form", SHOWN, body=CHANGE),
)
