"""What of a value counts when two records are compared: pure, the same for what is typed and what is stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

LONGEST = 200
# Legal forms and the like at the end of a firm's name, longest first; 北京华云（北京）科技有限公司 → 北京华云科技
_FORMS = (
    "股份有限责任公司", "有限责任公司", "股份有限公司", "集团有限公司", "有限公司", "分公司", "总公司", "集团公司",
    "集团", "公司", "个体工商户",
    "incorporated", "corporation", "limited", "company", "gmbh", "corp", "llc", "ltd", "inc", "plc", "co", "ag", "sa",
)  # fmt: skip
_BRACKETED = re.compile(r"[(（\[【][^()（）\[\]【】]{0,12}[)）\]】]")
_BETWEEN = re.compile(r"[^\w]+|_+")
_DIGITS = re.compile(r"\d")
_COUNTRY = re.compile(r"^(?:00|\+)?86(?=1\d{10}$)")


def _text(value: str) -> str:
    """Case, width and surrounding or doubled white space aside."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _company(value: str) -> str:
    """A firm's name without place brackets, punctuation, white space and legal form."""
    plain = _BETWEEN.sub(" ", _BRACKETED.sub(" ", unicodedata.normalize("NFKC", value).casefold())).strip()
    while True:
        for form in _FORMS:
            latin = form.isascii()
            if plain.endswith(f" {form}" if latin else form) and len(plain) > len(form) + latin:
                plain = plain[: -len(form)].strip()
                break
        else:
            return plain.replace(" ", "")


def _digits(value: str) -> str:
    """The digits of a phone number, mainland China's prefix of mobiles left out; fewer than five say nothing."""
    found = "".join(_DIGITS.findall(unicodedata.normalize("NFKC", value)))
    bare = _COUNTRY.sub("", found)
    return bare if len(bare) >= 5 else ""


def _host(value: str) -> str:
    """The domain of a web or mail address, `www.` left out."""
    text = _text(value)
    if "@" in text:
        return text.rsplit("@", 1)[1]
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


COMPARED: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"exact": str.strip, "text": _text, "company": _company, "digits": _digits, "host": _host}
)


def compared(compare: str, text: str) -> str:
    """What counts of a value's text; empty says nothing, and is the same as nobody's."""
    return COMPARED[compare](text)[:LONGEST]
