"""How often something may be tried: keyed by account and address, never by anything else a request chooses."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, storage, strategies

from dacheng.metadata.problem import refuse
from dacheng.runtime.settings import Settings

MINUTES = 15
RESET_MAILS = 5
SETUPS = 10


class RateLimits:
    """The counters of one host, in memory: they start anew with the process, and each process counts its own."""

    def __init__(self, settings: Settings) -> None:
        self._window = strategies.MovingWindowRateLimiter(storage.MemoryStorage())
        self._pair = RateLimitItemPerMinute(settings.sign_in_tries, MINUTES)
        self._address = RateLimitItemPerMinute(settings.sign_in_tries_per_address, MINUTES)
        self._mails = RateLimitItemPerMinute(RESET_MAILS, MINUTES)
        self._setups = RateLimitItemPerMinute(SETUPS, MINUTES)

    def sign_in(self, login: str, address: str) -> None:
        """Count a try before it is looked at; beyond the limit raises `account.too_many_tries`."""
        where = network(address)
        self._hit(self._pair, "pair", login[:254], where)
        self._hit(self._address, "address", where)

    def signed_in(self, login: str, address: str) -> None:
        """A try that succeeded: the pair starts anew."""
        self._window.clear(self._pair, "pair", login[:254], network(address))

    def reset_mail(self, login: str, address: str) -> None:
        """Count a request for a mail to set a password."""
        self._hit(self._mails, "mail-to", login[:254])
        self._hit(self._address, "mail-from", network(address))

    def setup(self, address: str) -> None:
        """Count a try at the one-time token of the first administrator."""
        self._hit(self._setups, "setup", network(address))

    def submission(self, form: str, address: str, per_hour: int) -> None:
        """Count a published form sent from an address, each form by itself."""
        if not self._window.hit(RateLimitItemPerHour(per_hour), "form", form, network(address)):
            raise refuse("publication.too_often", limit=per_hour)

    def _hit(self, item: RateLimitItem, *keys: str) -> None:
        if not self._window.hit(item, *keys):
            reset, _ = self._window.get_window_stats(item, *keys)
            wait = max(1, math.ceil((reset - time.time()) / 60))
            raise refuse("account.too_many_tries", minutes=wait)


def network(address: str) -> str:
    """What one person has of an address: IPv4 as it is, IPv6 by its /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
