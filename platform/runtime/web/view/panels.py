"""Panels that plugins add to a record's page: figures and rows from structured parts; one that fails says so alone."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dacheng.metadata.kinds import Chart, Drawing, Figure, Grid, Series
from dacheng.metadata.problem import Refused
from dacheng.plugins.api import Panel
from dacheng.runtime.services.plugin_access import PluginAccess
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.words import words

log = logging.getLogger("dacheng.plugins")


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One labelled value; `href` leads to the records behind it."""

    label: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class PanelShown:
    """One panel: a figure with its note, or rows below a sentence, or why it cannot be shown."""

    id: str
    title: str
    figure: str = ""
    unit: str = ""
    note: str = ""
    rows: tuple[PanelRow, ...] = ()
    error: str = ""


def panels(site: Site, work: Work, ref: str, record_id: str) -> tuple[PanelShown, ...]:
    """What plugins have to show beside this record; waits for the database, and only reads."""
    shown = []
    for plugin, added in work.hooks.registered("extra_panels").items():
        for panel in added:
            found = _panel(site, work, plugin, panel, ref, record_id)
            if found is not None:
                shown.append(found)
    return tuple(shown)


def _panel(site: Site, work: Work, plugin: str, panel: Panel, ref: str, record_id: str) -> PanelShown | None:
    locale = work.context.locale
    empty = PanelShown(f"{plugin}-{panel.id}", panel.title.get(locale) or panel.title.get("en") or panel.id)
    try:
        if not panel.applies(work.context, ref):
            return None
        drawing = panel.render(PluginAccess.of(site, work, plugin, writes=False), ref, record_id)
        return None if drawing is None else _drawn(empty, drawing)
    except Refused as refused:
        text = " ".join(each.message_in(locale) for each in refused.problems)
    except Exception:
        log.exception("plugin %s failed in its panel %s", plugin, panel.id)
        text = words(locale)("record.panel_failed", plugin=plugin)
    return PanelShown(empty.id, empty.title, error=text)


def _drawn(empty: PanelShown, drawing: Drawing) -> PanelShown:
    if isinstance(drawing, Figure):
        return PanelShown(empty.id, empty.title, drawing.value, drawing.unit, drawing.note)
    series = _series(drawing.table if isinstance(drawing, Chart) else drawing)
    links = series.links or ("",) * len(series.labels)
    rows = tuple(
        PanelRow(label, text, href if href.startswith("/") and not href.startswith("//") else "")
        for label, text, href in zip(series.labels, series.texts, links, strict=True)
    )
    note = drawing.summary if isinstance(drawing, Chart) else ""
    return PanelShown(empty.id, empty.title, unit=series.unit, note=note, rows=rows)


def _series(found: Series | Grid) -> Series:
    """A row of figures for each row of a grid: a panel is narrow."""
    if isinstance(found, Series):
        return found
    texts = tuple(" · ".join(row) for row in found.texts)
    values = tuple(next((value for value in row if value is not None), 0.0) for row in found.values)
    return Series(found.rows, values, texts)
