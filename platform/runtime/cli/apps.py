"""Commands about apps: `app install`, `list`, `uninstall`, `check`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dacheng.metadata.layers import Outcome
from dacheng.runtime.cli.output import DONE, REFUSED, Output, describe
from dacheng.runtime.cli.workspace import Commands, add_command, add_group, open_host, open_to_look
from dacheng.runtime.services import export_app, install_app, marketplace, remove_sample, sample_data
from dacheng.runtime.services.install_app import InstallPlan


def register(commands: Commands) -> None:
    """Add this group's commands."""
    group = add_group(commands, "app", "Apps of this workspace.")
    parser = add_command(group, "install", "Install or upgrade an app.", install)
    parser.add_argument("app", metavar="APP_OR_FOLDER", help="id in the marketplace, folder or archive")
    parser.add_argument("--sample", action="store_true", help="with sample data (as unless said)")
    parser.add_argument("--no-sample", action="store_true", help="without sample data")
    add_command(group, "list", "List installed and available apps.", list_apps)
    parser = add_command(group, "uninstall", "Take an app out; its data is kept.", uninstall)
    parser.add_argument("app", metavar="APP")
    parser.add_argument("--export", metavar="DIR", help="write its records to CSV files there first")
    parser = add_command(
        group, "remove-sample", "Erase an app's sample data; what was changed here stays.", remove_sample_data
    )
    parser.add_argument("app", metavar="APP")
    parser = add_command(group, "check", "Check a package and show what installing would do.", check)
    parser.add_argument("app", metavar="APP_OR_FOLDER")


def install(given: argparse.Namespace, output: Output) -> int:
    """Install or upgrade, showing the plan first."""
    with open_host(given) as host:
        candidate = marketplace.find_package(host, given.app)
        plan = install_app.plan_install(host, candidate)
        if plan.problems:
            output.problems(plan.problems)
            return REFUSED
        if not output.as_json:
            _show(plan, output)
        done = sample_data.install(
            host, host.work(), candidate, sample=not given.no_sample, progress=output.progress()
        )
    output.result(
        {"app": done.app, "version": done.version, "records": dict(done.records), **_plan(plan, output)},
        [f"{done.app} {done.version}: installed, {sum(done.records.values())} records"],
    )
    return DONE


def list_apps(given: argparse.Namespace, output: Output) -> int:
    """What is installed, and what the marketplace offers."""
    with open_host(given, read_only=True) as host:
        listings = marketplace.list_apps(host)
    apps = [
        {
            "app": each.app,
            "version": each.version,
            "installed": each.installed,
            "name": each.name(output.locale),
        }
        for each in listings
    ]
    lines = [
        f"{each.app}  {each.version}  {'installed ' + each.installed if each.installed else '-'}"
        for each in listings
    ]
    output.result({"apps": apps}, lines)
    return DONE


def uninstall(given: argparse.Namespace, output: Output) -> int:
    """Take an app out, keeping its data archived."""
    with open_host(given) as host:
        if given.export:
            export_app.to_folder(host, host.work(), given.app, Path(given.export))
        install_app.uninstall(host, host.work(), given.app, progress=output.progress())
    output.result({"app": given.app}, [f"{given.app}: uninstalled; its data is kept"])
    return DONE


def remove_sample_data(given: argparse.Namespace, output: Output) -> int:
    """Erase what came as sample data, and name what stays."""
    with open_host(given) as host:
        done = remove_sample.remove(host, host.work(), given.app, output.progress())
    kept = [
        {
            "entity": e.entity,
            "record": e.record,
            "title": e.title,
            "reason": e.reason.message_in(output.locale),
        }
        for e in done.named
    ]
    output.result(
        {"app": given.app, "removed": dict(done.removed), "kept": done.kept, "named": kept},
        [
            f"{given.app}: {done.total} sample records erased, {done.kept} kept",
            *(f"  {each['entity']} {each['title']}: {each['reason']}" for each in kept),
        ],
    )
    return DONE


def check(given: argparse.Namespace, output: Output) -> int:
    """Lint a package and plan its installation without doing it."""
    with open_to_look(given) as host:
        candidate = marketplace.find_package(host, given.app)
        plan = install_app.plan_install(host, candidate)
    if output.as_json:
        output.result(_plan(plan, output))
    else:
        _show(plan, output)
        output.problems(plan.problems)
    return REFUSED if plan.problems else DONE


def _plan(plan: InstallPlan, output: Output) -> dict[str, Any]:
    return {
        "plan": {
            "app": plan.app,
            "version": plan.version,
            "from": plan.replaces,
            "changes": [{"kind": c.kind, "entity": c.entity, "class": c.risk} for c in plan.changes],
            "permissions": {ref: list(actions) for ref, actions in plan.permissions.items()},
            "records": dict(plan.records),
            "sample": dict(plan.sample),
            "merged": [_merged(outcome) for outcome in plan.outcomes],
            "retypes": [each.json() for each in plan.retypes],
        },
        "problems": [describe(problem, output.locale) for problem in plan.problems],
    }


def _show(plan: InstallPlan, output: Output) -> None:
    step = f"{plan.replaces} → {plan.version}" if plan.replaces else plan.version
    output.say(f"{plan.app} {step}: {len(plan.changes)} changes to the database")
    for ref, actions in plan.permissions.items():
        output.say(f"  its automation may {', '.join(actions)} {ref}")
    for ref, count in {**plan.records, **plan.sample}.items():
        output.say(f"  {count} records of {ref}")
    for outcome in plan.outcomes:
        output.say(f"  {_merged(outcome)}")
    for each in plan.retypes:
        changed = f"{each.entity}.{each.field} from {each.kinds[0]} to {each.kinds[1]}"
        output.say(
            f"  {changed}: {each.failing} of {each.values} values cannot be read and stay in the archive"
        )
        for text in each.samples:
            output.say(f"    {text}")


def _merged(outcome: Outcome) -> str:
    """What became of one edit of the workspace: `kept label zh-CN entity:account`."""
    kind, item, path = outcome.address
    words = [outcome.kind, kind, item, *path, f"({outcome.reason})" if outcome.reason else ""]
    return " ".join(word for word in words if word)
