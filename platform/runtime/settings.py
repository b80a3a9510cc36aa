"""What the operator decides: one frozen record from arguments, environment and `<data>/settings.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dacheng.metadata.problem import Problem, Refused, problem

PREFIX = "DACHENG_"
FILE = "settings.json"
SECRET = "secret"  # noqa: S105 - the name of a marker, not a secret


def _setting(default: Any, help: str, **marks: Any) -> Any:  # noqa: A002 - the field's own word
    return field(default=default, repr=marks.get("mark") != SECRET, metadata={"help": help, **marks})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator may set; each name is also `DACHENG_<NAME>` and a key of `settings.json`.

    Arguments win over the environment, the environment over the file, the file over the default.
    """

    data: Path = _setting(
        Path("var/data"), "Folder for the database, outgoing mails, snapshots and `settings.json`."
    )
    database: str = _setting(
        "",
        "Database URL, `postgresql://…` or `sqlite:///…`; empty: `dacheng.db` in the data folder.",
        mark=SECRET,
    )
    base_url: str = _setting(
        "",
        "Address people open, such as `https://crm.example.com`. Links in mails use nothing else: "
        "until it is set no mail is sent.",
    )
    host: str = _setting("127.0.0.1", "Address the server listens on.")
    port: int = _setting(8000, "Port the server listens on.", minimum=0, maximum=65535)
    workers: int = _setting(1, "Serving processes; more than one needs PostgreSQL.", minimum=1, maximum=64)
    zone: str = _setting("Asia/Shanghai", "Time zone of the workspace: what a day, a month, a period is.")
    locale: str = _setting("zh-CN", "Language of people who have not chosen one: `zh-CN` or `en`.")
    secure_cookies: str = _setting(
        "auto",
        "`on`: cookies with `Secure` and `__Host-`; `off`: without; `auto`: on when `base_url` is https.",
        options=("auto", "on", "off"),
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses of reverse proxies whose `X-Forwarded-For` is believed, separated by commas."
    )
    smtp_host: str = _setting(
        "", "Mail server; empty: mails are written to `outbox/*.eml` in the data folder."
    )
    smtp_port: int = _setting(587, "Port of the mail server.", minimum=1, maximum=65535)
    smtp_user: str = _setting("", "Name to sign in to the mail server with; empty: without.")
    smtp_password: str = _setting("", "Password for the mail server.", mark=SECRET)
    smtp_security: str = _setting(
        "starttls", "How the mail server is spoken to.", options=("starttls", "tls", "none")
    )
    mail_from: str = _setting("", "Sender of mails; empty: `no-reply@` and the host of `base_url`.")
    session_idle_hours: int = _setting(
        12, "A session ends after so many hours without use.", minimum=1, maximum=168
    )
    session_days: int = _setting(14, "A session ends after so many days in any case.", minimum=1, maximum=90)
    reset_minutes: int = _setting(
        30, "A link to set a password works for so many minutes.", minimum=5, maximum=1440
    )
    sign_in_tries: int = _setting(
        10, "Failed sign-ins per account and address in a quarter of an hour.", minimum=3
    )
    sign_in_tries_per_address: int = _setting(
        100, "Failed sign-ins per address in a quarter of an hour.", minimum=10
    )
    max_body_bytes: int = _setting(5_000_000, "Largest body of a request, files apart.", minimum=10_000)
    max_upload_bytes: int = _setting(
        50_000_000, "Largest file that may be uploaded or imported.", minimum=10_000
    )
    statement_seconds: float = _setting(
        10.0, "A query that runs longer is stopped.", minimum=0.1, maximum=600.0
    )

    @property
    def database_url(self) -> str:
        """The database to open; the SQLite file in the data folder unless one is set."""
        return self.database or f"sqlite:///{self.data / 'dacheng.db'}"

    @property
    def embedded(self) -> bool:
        """Whether the database is a SQLite file, which one process alone may write."""
        return self.database_url.startswith("sqlite")

    @property
    def tzinfo(self) -> ZoneInfo:
        """The workspace's zone."""
        return ZoneInfo(self.zone)

    @property
    def https(self) -> bool:
        """Whether cookies carry `Secure` and the `__Host-` prefix."""
        if self.secure_cookies == "auto":
            return self.base_url.startswith("https://")
        return self.secure_cookies == "on"

    @property
    def sender(self) -> str:
        """The address mails come from; empty until `base_url` or `mail_from` is set."""
        name = urlsplit(self.base_url).hostname
        return self.mail_from or (f"no-reply@{name}" if name else "")


def load_settings(
    arguments: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from arguments, environment and the data folder's file; raises `Refused` with every problem."""
    given = {key: value for key, value in (arguments or {}).items() if value is not None}
    surroundings = os.environ if environment is None else environment
    named = {
        entry.name: surroundings[PREFIX + entry.name.upper()]
        for entry in fields(Settings)
        if PREFIX + entry.name.upper() in surroundings
    }
    data = Path(given.get("data") or named.get("data") or Settings().data).expanduser()
    raw = {**_read_file(data / FILE), **named, **given, "data": data}
    return _checked(raw, str(data / FILE))


def save_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Write `changes` to the data folder's file (readable by its owner alone) and answer the new settings.

    What the environment or an argument sets stays as it is for this process.
    """
    path = settings.data / FILE
    stored = {**_read_file(path), **changes}
    merged = _checked(
        {**{entry.name: getattr(settings, entry.name) for entry in fields(Settings)}, **changes}, FILE
    )
    settings.data.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(stored, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    fresh.replace(path)
    return merged


def describe_settings() -> list[tuple[str, str, str, str]]:
    """(name, environment variable, default, help) of every setting, in order: what the docs page lists."""
    return [
        (entry.name, PREFIX + entry.name.upper(), _shown(entry.default), entry.metadata["help"])
        for entry in fields(Settings)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise Refused([problem("host.settings_unreadable", file=str(path), reason=str(error))]) from error
    if not isinstance(stored, dict):
        raise Refused([problem("host.settings_unreadable", file=str(path), reason="not an object")])
    return stored


def _checked(raw: Mapping[str, Any], file: str) -> Settings:
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    known = {entry.name: entry for entry in fields(Settings)}
    problems += [
        problem("host.setting_unknown", f"/{name}", file, name=name) for name in raw if name not in known
    ]
    for name, entry in known.items():
        if name in raw:
            try:
                values[name] = _typed(entry.default, entry.metadata, raw[name])
            except ValueError as error:
                problems.append(
                    problem("host.setting_invalid", f"/{name}", file, name=name, reason=str(error))
                )
    problems.extend(_cross_checks(values, file))
    if problems:
        raise Refused(problems)
    return Settings(**values)


def _typed(default: Any, marks: Mapping[str, Any], raw: Any) -> Any:
    """The raw value as the type of the default; ValueError says in words what does not fit."""
    assert default is not MISSING
    if isinstance(default, Path):
        return Path(str(raw)).expanduser()
    if isinstance(default, tuple):
        parts = raw.split(",") if isinstance(raw, str) else list(raw)
        return tuple(str(part).strip() for part in parts if str(part).strip())
    if isinstance(default, (int, float)):
        if isinstance(raw, bool):
            raise ValueError("a number is expected")  # noqa: TRY004 - told to people like any other bad value
        return _in_range(type(default)(raw), marks)
    text = str(raw).strip()
    if marks.get("options") and text not in marks["options"]:
        raise ValueError("one of " + ", ".join(marks["options"]))
    return text


def _in_range(number: float, marks: Mapping[str, Any]) -> float:
    low, high = marks.get("minimum"), marks.get("maximum")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"between {low} and {high}" if high is not None else f"at least {low}")
    return number


def _cross_checks(values: dict[str, Any], file: str) -> list[Problem]:
    problems: list[Problem] = []
    base = values.get("base_url", "")
    if base:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            problems.append(problem("host.base_url_invalid", "/base_url", file, value=base))
        values["base_url"] = base.rstrip("/")
    try:
        ZoneInfo(values.get("zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(
            problem("host.setting_invalid", "/zone", file, name="zone", reason="not a known time zone")
        )
    if values.get("locale", "en") not in ("zh-CN", "en"):
        problems.append(problem("host.setting_invalid", "/locale", file, name="locale", reason="zh-CN or en"))
    return problems
