"""Outgoing mail: links from the configured address alone, and nothing at all until that is set."""

from __future__ import annotations

import hashlib
import json
import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime.settings import Settings

FOLDER = "outbox"
TIMEOUT_SECONDS = 20


def demand_ready(settings: Settings) -> None:
    """Refuse with `account.mail_needs_base_url` until the address that links lead to is set."""
    if not settings.base_url or not settings.sender:
        raise refuse("account.mail_needs_base_url")


def send(
    settings: Settings,
    to: str,
    template: str,
    locale: str,
    words: Mapping[str, Any],
    now: datetime,
    *,
    key: str,
) -> None:
    """Send one of the product's own mails; `words` are put in as plain text. Errors are the mail server's.

    Mails to one address with one `key` carry one Message-ID, by which mail systems know a mail they have.
    """
    demand_ready(settings)
    message = compose(settings, to, template, locale or settings.locale, words, now, key)
    if settings.smtp_host:
        _deliver(settings, message)
    else:
        _keep(settings.data / FOLDER, message, now)


def compose(
    settings: Settings, to: str, template: str, locale: str, words: Mapping[str, Any], now: datetime, key: str
) -> EmailMessage:
    """The mail as it will leave: one recipient, plain text, headers that cannot be broken out of."""
    texts = _texts()[template]
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = to
    message["Subject"] = _in(texts["subject"], locale).format_map(words).replace("\n", " ").strip()
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{_identity(key, to)}@{settings.sender.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_in(texts["body"], locale).format_map(words))
    return message


def _identity(key: str, to: str) -> str:
    return hashlib.sha256(json.dumps([key, to]).encode()).hexdigest()[:40]


def _in(texts: Mapping[str, str], locale: str) -> str:
    return texts.get(locale) or texts["en"]


def _deliver(settings: Settings, message: EmailMessage) -> None:
    secure = ssl.create_default_context()
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=secure
        )
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=secure)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(message)


def _keep(folder: Path, message: EmailMessage, now: datetime) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{now:%Y%m%dT%H%M%S}-{message['Message-ID'].strip('<>').split('@')[0]}.eml"
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(message.as_bytes())


@cache
def _texts() -> Mapping[str, Any]:
    source = resources.files(__package__).joinpath("mail_words.json").read_text(encoding="utf-8")
    words: Mapping[str, Any] = json.loads(source)
    return words
