"""The command about working days: `calendar`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, open_host
from dacheng.runtime.services import working_calendar


def register(commands: Commands) -> None:
    """Add this group's command."""
    parser = add_command(commands, "calendar", "Enter public holidays and worked weekends.", enter)
    parser.add_argument("year", type=int, nargs="?", metavar="YEAR", help="which one (this and the next)")


def enter(given: argparse.Namespace, output: Output) -> int:
    """Enter what is decreed and not entered yet; a year without data is named, it counts Monday to Friday."""
    with open_host(given) as host:
        today = datetime.now(UTC).astimezone(host.settings.tzinfo).date()
        years = [today.year, today.year + 1] if given.year is None else [given.year]
        entered = {year: working_calendar.enter(host, year) for year in years}
        missing = working_calendar.missing_years(host, years)
    lines = [f"{year}: {days} days entered" for year, days in entered.items() if days]
    lines += [f"{year}: not decreed yet, Monday to Friday count as working days" for year in missing]
    output.result({"entered": entered, "missing": missing}, lines or ["Nothing to enter."])
    return DONE
