"""Commands about people: `user`, `role`, `token`, `setup`."""

from __future__ import annotations

import argparse
import getpass
import sys

from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, add_group, open_host
from dacheng.runtime.host import Host
from dacheng.runtime.services import setup as first
from dacheng.runtime.services import sign_in, tokens, users
from dacheng.runtime.services.users import NewUser


def register(commands: Commands) -> None:
    """Add this group's commands."""
    group = add_group(commands, "user", "People who may sign in.")
    parser = add_command(group, "add", "Add a person.", add)
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", required=True, metavar="N")
    parser.add_argument("--role", action="append", default=[], metavar="R", help="role, repeatable")
    _password(parser)
    parser = add_command(group, "list", "List who may sign in.", list_all)
    for name, run, text in (
        ("suspend", suspend, "Shut a person out at once."),
        ("reinstate", reinstate, "Let a suspended person in again."),
        ("invite", invite, "Print a one-time token with which a person sets a password."),
    ):
        add_command(group, name, text, run).add_argument("email", metavar="EMAIL")
    group = add_group(commands, "role", "Roles of people.")
    for name, run_role, text in (
        ("grant", grant, "Give a person a role."),
        ("revoke", revoke, "Take a role away."),
    ):
        parser = add_command(group, name, text, run_role)
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("role", metavar="ROLE")
    group = add_group(commands, "token", "API tokens.")
    parser = add_command(group, "create", "Create a token; it is printed alone, last.", create_token)
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", default="", metavar="N", help="what it is for")
    parser = add_command(commands, "setup", "Make the first administrator.", setup)
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", default="Administrator", metavar="N")
    _password(parser)


def add(given: argparse.Namespace, output: Output) -> int:
    """Add a person with roles."""
    password = _read_password(given)
    with open_host(given) as host:
        new = NewUser(given.email, given.name, tuple(given.role), password)
        user = users.add_user(host, host.work(), new)
    output.result({"id": user, "email": given.email}, [f"{given.email}: added ({user})"])
    return DONE


def list_all(given: argparse.Namespace, output: Output) -> int:
    """Everybody who may sign in."""
    with open_host(given, read_only=True) as host:
        work = host.work()
        found = host.db.read_now(lambda reader: users.list_accounts(reader, work))
    people = [
        {"id": each.user, "email": each.email, "state": each.state, "roles": list(each.roles)}
        for each in found
    ]
    lines = [f"{each.email}  {each.state}  {', '.join(each.roles)}" for each in found]
    output.result({"users": people}, lines)
    return DONE


def suspend(given: argparse.Namespace, output: Output) -> int:
    """Shut a person out."""
    with open_host(given) as host:
        users.suspend(host, host.work(), _find(host, given.email))
    output.result({"email": given.email, "state": "suspended"}, [f"{given.email}: suspended"])
    return DONE


def reinstate(given: argparse.Namespace, output: Output) -> int:
    """Let a person in again."""
    with open_host(given) as host:
        users.reinstate(host, host.work(), _find(host, given.email))
    output.result({"email": given.email, "state": "active"}, [f"{given.email}: active"])
    return DONE


def invite(given: argparse.Namespace, output: Output) -> int:
    """Print a one-time token to set a password with."""
    with open_host(given) as host:
        token = sign_in.invite(host, _find(host, given.email))
        base = host.settings.base_url
    link = f"{base}/reset?token={token}" if base else token
    output.result({"email": given.email, "token": token}, [link])
    return DONE


def grant(given: argparse.Namespace, output: Output) -> int:
    """Give a role."""
    with open_host(given) as host:
        users.grant_role(host, host.work(), _find(host, given.email), given.role)
    output.result({"email": given.email, "granted": given.role}, [f"{given.email}: {given.role} granted"])
    return DONE


def revoke(given: argparse.Namespace, output: Output) -> int:
    """Take a role away."""
    with open_host(given) as host:
        users.revoke_role(host, host.work(), _find(host, given.email), given.role)
    output.result({"email": given.email, "revoked": given.role}, [f"{given.email}: {given.role} revoked"])
    return DONE


def create_token(given: argparse.Namespace, output: Output) -> int:
    """Print a new API token alone on the last line."""
    with open_host(given) as host:
        user = _find(host, given.email)
        token = tokens.create_token(host, host.work(), user, given.name)
    output.result({"email": given.email, "token": token}, [token])
    return DONE


def setup(given: argparse.Namespace, output: Output) -> int:
    """Make the first administrator."""
    password = _read_password(given)
    with open_host(given) as host:
        user = first.admin_by_operator(host, email=given.email, name=given.name, password=password or "")
    output.result({"id": user, "email": given.email}, [f"{given.email}: administrator"])
    return DONE


def _find(host: Host, email: str) -> str:
    return host.db.read_now(lambda reader: users.find_user(reader, email))


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _read_password(given: argparse.Namespace) -> str | None:
    """One line of standard input, a hidden prompt on a terminal, or none at all (the person is invited)."""
    if given.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty() and not given.json:
        return getpass.getpass("Password (empty: invite later): ") or None
    return None
