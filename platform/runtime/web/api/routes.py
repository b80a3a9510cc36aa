"""Every address of the API with who may use it."""

from __future__ import annotations

from typing import Final

from dacheng.runtime.web.api import figures, general, read, write
from dacheng.runtime.web.api.administration import OPERATIONS
from dacheng.runtime.web.api.try_expression import try_expression
from dacheng.runtime.web.routing import SIGNED_IN, Route

ENTITY: Final = "/api/v1/apps/{app}/{entity}"
RECORD: Final = ENTITY + "/{id}"

API_ROUTES: tuple[Route, ...] = (
    Route(ENTITY, read.list_records, SIGNED_IN),
    Route(ENTITY, write.create, SIGNED_IN, ("POST",)),
    Route(ENTITY + "/pick-list", read.pick, SIGNED_IN),
    Route(RECORD, read.get_record, SIGNED_IN),
    Route(RECORD, write.change, SIGNED_IN, ("PATCH",)),
    Route(RECORD, write.delete, SIGNED_IN, ("DELETE",)),
    Route(RECORD + "/history", figures.show_history, SIGNED_IN),
    Route(RECORD + "/rules", figures.show_why, SIGNED_IN),
    Route(RECORD + "/changes/{seq}/undo", write.undo, SIGNED_IN, ("POST",)),
    Route(RECORD + "/restore", write.restore, SIGNED_IN, ("POST",)),
    Route(RECORD + "/transitions/{transition}", write.move, SIGNED_IN, ("POST",)),
    Route("/api/v1/measures/{app}/{measure}", figures.show_measure, SIGNED_IN),
    Route("/api/v1/search", figures.find, SIGNED_IN),
    Route("/api/v1/me", general.me, SIGNED_IN),
    Route("/api/v1/openapi.json", general.description, SIGNED_IN),
    Route("/api/v1/try/expression", try_expression, SIGNED_IN, ("POST",)),
    *(each.route for each in OPERATIONS),
)
