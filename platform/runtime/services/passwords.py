"""Passwords: what is good enough, and argon2id with the same work whether the account exists or not."""

from __future__ import annotations

import json
import re
import threading
from functools import cache
from importlib import resources

import argon2

from dacheng.metadata.problem import Problem, problem

MINIMUM = 8
MAXIMUM = 1024
PARALLEL_HASHES = 2  # 2 × 19 MiB at most, however many people sign in at once
_TAIL = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEET = str.maketrans("013457@$!", "oieastasi")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_WALKS = ("1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p")

_slots = threading.BoundedSemaphore(PARALLEL_HASHES)
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check_password(password: str, *, about: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """Everything wrong with a new password; `about` are the person's own name and address."""
    if len(password) < MINIMUM:
        return (problem("account.password_short", "/password", minimum=MINIMUM),)
    if len(password) > MAXIMUM:
        return (problem("account.password_long", "/password", maximum=MAXIMUM),)
    if is_common(password) or _is_about(password, about):
        return (problem("account.password_common", "/password"),)
    return ()


def is_common(password: str) -> bool:
    """Whether it is one of the first a guesser tries: a listed one, a word with figures, a walk, a repetition."""
    plain = password.casefold()
    if plain in _common() or len(set(plain)) <= 2:
        return True
    core = _TAIL.sub("", plain)
    if core in _common() or core.translate(_LEET) in _common() or plain.translate(_LEET) in _common():
        return True
    return _is_walk(plain) or _is_walk(core) or _is_repeated(plain)


def hash_password(password: str) -> str:
    """The argon2id hash to store (time 2, memory 19 MiB, one lane)."""
    with _slots:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; None (no such account) costs the same and is False."""
    with _slots:
        try:
            matches = _hasher.verify(stored or _nobody(), password[: MAXIMUM + 1])
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
    return matches and stored is not None


def _is_about(password: str, about: tuple[str, ...]) -> bool:
    plain = _TAIL.sub("", password.casefold())
    names = {part for text in about for part in re.split(r"[\s@.]+", text.casefold()) if len(part) > 2}
    return password.casefold() in {text.casefold() for text in about} or plain in names


def _is_walk(text: str) -> bool:
    if len(text) < 5:
        return bool(text) and text.isdigit()
    runs = (*_ROWS, *_WALKS)
    return any(text in row * 2 or text in row[::-1] * 2 for row in runs)


def _is_repeated(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1))


@cache
def _common() -> frozenset[str]:
    words = json.loads(
        resources.files(__package__).joinpath("common_passwords.json").read_text(encoding="utf-8")
    )
    return frozenset(words)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
