"""What an RFC is: the taxpayer number that the SAT gives to a company (12 characters) or a person (13)."""

import re
import unicodedata
from operator import mul

#: The SAT's pattern; always used with `fullmatch`.
PATTERN = re.compile(r"[A-Z&Ñ]{3,4}[0-9]{2}(?:0[1-9]|1[012])(?:0[1-9]|[12][0-9]|3[01])[A-Z0-9]{2}[0-9A]")

#: Receivers without an RFC of their own: the public at large, and foreigners.
GENERIC = frozenset({"XAXX010101000", "XEXX010101000"})

_TYPED = re.compile(r"[A-Za-zÑñ&0-9]*")
_PUNCTUATED = re.compile(r"[A-Za-zÑñ&0-9]+(?:[\s.\u2010-\u2015_/-]+[A-Za-zÑñ&0-9]+)+")
_NAME = re.compile(r"[A-Z&Ñ]{3,4}(?=[0-9]|$)")
_DATE = re.compile(r"[0-9]{2}(?:0[1-9]|1[012])(?:0[1-9]|[12][0-9]|3[01])")
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ")}
_WEIGHTS = tuple(range(13, 1, -1))
_DIGITS = "0A987654321"  # by the weighted sum modulo 11


def normalize(text: str) -> str:
    """`text` in NFC, trimmed, in upper case.

    Text with a letter that no RFC has stays in its case: "ß" would become "SS" and "ı" "I", which
    is another taxpayer's RFC.
    """
    text = unicodedata.normalize("NFC", text).strip()
    return text.upper() if _TYPED.fullmatch(text) else text


def parse(text: str) -> str:
    """The RFC of an issuer in `text`, normalised. Raises ValueError, saying what would be right."""
    rfc = normalize(text)
    if PATTERN.fullmatch(rfc) is None:
        raise ValueError(_complaint(rfc))
    if not _is_real(rfc[-9:-3]):
        raise ValueError("the date in an RFC (YYMMDD) must be a day that exists")
    if rfc in GENERIC:
        raise ValueError("a generic RFC cannot issue invoices; name the issuer's own RFC")
    return rfc


def check_digit_ok(rfc: str) -> bool:
    """Whether the last character of `rfc`, as `parse` returns it, is the SAT's check digit.

    Modulo 11 over the characters before it, a company's padded with a leading space. A few real
    RFCs fail it.
    """
    total = sum(map(mul, _WEIGHTS, map(_VALUES.__getitem__, rfc.rjust(13))))
    return _DIGITS[total % 11] == rfc[-1]


def _is_real(yymmdd: str) -> bool:
    """Whether some century has that day: 00 was a leap year in 2000."""
    if yymmdd[4:] <= "28":  # most, and a start looks at 100,000
        return True
    year, month, day = int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    return day <= _MONTHS[month - 1] + (month == 2 and year % 4 == 0)


def _complaint(rfc: str) -> str:
    if not rfc:
        return "an RFC must not be empty"
    if "&AMP;" in rfc.upper():
        return "an RFC has & itself: write & in place of &amp;"
    if _PUNCTUATED.fullmatch(rfc):
        return "an RFC has no hyphens, blanks or dots: remove them"
    if not _TYPED.fullmatch(rfc):
        return "an RFC has only the letters A-Z and Ñ, & and digits"
    if len(rfc) not in (12, 13):
        return f"an RFC has 12 characters (company) or 13 (person), not {len(rfc)}"
    if (name := _NAME.match(rfc)) is None or name.end() != len(rfc) - 9:
        return "an RFC begins with 3 letters (12 characters, company) or 4 (13, person): A-Z, Ñ or &"
    if not _DATE.fullmatch(rfc[-9:-3]):
        return "the letters of an RFC are followed by a date, YYMMDD"
    return "an RFC ends with two letters or digits and a check digit, 0-9 or A"
