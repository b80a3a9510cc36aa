"""Commands about words: `term` and `label`, edits of the workspace layer that show at once."""

from __future__ import annotations

import argparse

from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, add_group, open_host
from dacheng.runtime.services import edit_labels


def register(commands: Commands) -> None:
    """Add this group's commands."""
    group = add_group(commands, "term", "Terms: one edit changes every sentence that uses one.")
    parser = add_command(group, "set", "Call a term something else.", set_term)
    _place(parser, "term", "TERM")
    parser.add_argument("one", metavar="TEXT", help="the word for one")
    parser.add_argument("--plural", metavar="TEXT", help="the word for several, where it differs")
    _place(add_command(group, "reset", "Call a term what the package calls it.", reset_term), "term", "TERM")
    group = add_group(commands, "label", "Single texts.")
    parser = add_command(group, "set", "Word one text differently.", set_label)
    _place(parser, "slot", "SLOT")
    parser.add_argument("text", metavar="TEXT")
    _place(
        add_command(group, "reset", "Give a text back the package's wording.", reset_label), "slot", "SLOT"
    )
    parser = add_command(group, "list", "List all texts of an app with where they come from.", list_labels)
    parser.add_argument("app", metavar="APP")
    parser.add_argument("locale", metavar="LOCALE")


def set_term(given: argparse.Namespace, output: Output) -> int:
    """Rename a term."""
    forms = {"one": given.one} | ({"plural": given.plural} if given.plural else {})
    with open_host(given) as host:
        used = edit_labels.set_term(host, host.work(), given.app, given.locale, given.term, forms)
    output.result({"term": given.term, "used": used}, [f"{given.term}: changed in {used} texts"])
    return DONE


def reset_term(given: argparse.Namespace, output: Output) -> int:
    """Give a term its own word back."""
    with open_host(given) as host:
        used = edit_labels.reset_term(host, host.work(), given.app, given.locale, given.term)
    output.result({"term": given.term, "used": used}, [f"{given.term}: reset in {used} texts"])
    return DONE


def set_label(given: argparse.Namespace, output: Output) -> int:
    """Reword one text."""
    with open_host(given) as host:
        edit_labels.set_label(host, host.work(), given.app, given.locale, given.slot, given.text)
    output.result({"slot": given.slot}, [f"{given.slot}: changed"])
    return DONE


def reset_label(given: argparse.Namespace, output: Output) -> int:
    """Give one text its own wording back."""
    with open_host(given) as host:
        edit_labels.reset_label(host, host.work(), given.app, given.locale, given.slot)
    output.result({"slot": given.slot}, [f"{given.slot}: reset"])
    return DONE


def list_labels(given: argparse.Namespace, output: Output) -> int:
    """All texts of an app in one language."""
    with open_host(given, read_only=True) as host:
        work = host.work()
        page = edit_labels.list_labels(host, work, given.app, given.locale)
    texts = [
        {"slot": each.slot, "text": each.text, "source": each.source, "owner": each.owner}
        for each in page.labels
    ]
    lines = [f"{each.slot}  {each.text}  ({each.owner})" for each in page.labels]
    output.result({"coverage": page.coverage, "labels": texts}, lines)
    return DONE


def _place(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    parser.add_argument("app", metavar="APP")
    parser.add_argument("locale", metavar="LOCALE")
    parser.add_argument(name, metavar=metavar)
