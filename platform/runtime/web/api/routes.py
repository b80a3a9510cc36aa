"""Every address of the API with who may use it."""

from __future__ import annotations

from dacheng.runtime.web.routing import Route

API_ROUTES: tuple[Route, ...] = ()
