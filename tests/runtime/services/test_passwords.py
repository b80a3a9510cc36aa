"""Passwords: what is refused, what a hash costs, and that an unknown account costs the same."""

import threading
import time

import pytest

from dacheng.runtime.services import passwords


@pytest.mark.parametrize(
    "password",
    [
        "password", "Passw0rd!", "12345678", "qwertyuiop", "1qaz2wsx", "abcabcabc", "11111111",
        "woaini1314", "zhangsan123", "Sunshine99", "administrator", "P@ssword1", "poiuytrewq",
    ],
)  # fmt: skip
def test_passwords_that_are_guessed_first_are_refused(password: str) -> None:
    assert [p.code for p in passwords.check_password(password)] == ["account.password_common"]


@pytest.mark.parametrize("password", ["correct-lamp-47-fish", "我喜欢吃西湖醋鱼", "x" * 3 + "Kq9 vn2"])
def test_long_and_uncommon_passwords_of_any_characters_are_good(password: str) -> None:
    assert passwords.check_password(password) == ()


def test_own_name_and_address_are_refused() -> None:
    about = ("darcel.schlecht@example.com", "Darcel Schlecht")
    assert passwords.check_password("Schlecht2026", about=about)
    assert passwords.check_password("darcel.schlecht@example.com", about=about)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_length_is_bounded(password: str) -> None:
    assert passwords.check_password(password)


def test_hash_is_argon2id_with_the_stated_cost() -> None:
    stored = passwords.hash_password("correct-lamp-47-fish")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify_password(stored, "correct-lamp-47-fish")
    assert not passwords.verify_password(stored, "correct-lamp-47-fisH")


def test_no_account_is_never_a_match() -> None:
    assert not passwords.verify_password(None, "nobody has this password")


def test_at_most_two_hashes_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    class Slow:
        def hash(self, password: str) -> str:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            with lock:
                running[0] -= 1
            return password

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.hash_password, args=("x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == passwords.PARALLEL_HASHES
