"""Text of the PAC, fit to be shown: one short line, and no secret in it, whatever the disguise.

PACs, and what stands before them, quote questions: escaped, encoded, wrapped and cut.
"""

import html
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from unicodedata import category, normalize
from urllib.parse import quote, unquote, unquote_plus
from xml.sax.saxutils import escape

MAX_TEXT = 300  # of what is shown, in characters
MAX_EXCERPT = 200
MAX_READ = 4 * MAX_TEXT  # nothing beyond is shown, however many blanks there are
MAX_COMPARED = 2000  # for a secret that begins within that; it takes some ms, in the event loop

WITHHELD = "withheld: the PAC's message repeats the password"
WITHHELD_EXCERPT = "(withheld: it repeats the user or the password)"

_ROUNDS = 3  # of decoding
#: A character as JSON, JavaScript, C, Python and quoted-printable escape it: in four digits, two, or octal.
_ESCAPE = re.compile(
    r"(?:\\+u|%u)([0-9A-Fa-f]{4})|(?:\\+x|=)([0-9A-Fa-f]{2})|\\+u\{([0-9A-Fa-f]{1,6})\}|\\+([0-3][0-7]{2})"
)
_HEX_PREFIX = re.compile(r"0x(?=[0-9A-Fa-f]{2})", re.IGNORECASE)
_BYTES = re.compile(r"(?:\b[0-9]{2,3}\b[\s,;]*){4,}")  # in decimal
_TAG = re.compile(r"<[^<>]*>")
_UNSEEN = re.compile(r"[\x00-\x20\x7f\\]+")
_OTHER = re.compile(r"[^0-9a-z]+")  # than what no charset and few encodings touch
_LEAST_PART = 4  # of a secret, in characters
_LEAST_ENCODED, _LEAST_ENCODED_PART = 5, 10  # base64 and hexadecimal digits: fewer stand in any text
_LEAST_RUN, _LEAST_RUNS = 4, 6  # letters and digits, in a row or in all: fewer stand in any text
_MOST_ESCAPED = 8  # letters and digits that may stand for one other character


def legible(text: str, most: int = MAX_TEXT) -> str:
    """Foreign text as one short line without control characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[:MAX_READ]).split())
    return words if len(words) <= most else words[: most - 1] + "…"


class Secrets:
    """What of an account may not be shown, and what is shown in its place. `proxy`: user and password."""

    def __init__(self, username: str, password: str, proxy: tuple[str, str] = ("", "")) -> None:
        self._usernames = [Withheld(one) for one in (username, proxy[0]) if one]
        self._passwords = [Withheld(one, parts=True) for one in (password, proxy[1]) if one]

    def message(self, text: str) -> str:
        """A message of the PAC, as a line. It may name the user: that helps."""
        return WITHHELD if any(one.repeats(text) for one in self._passwords) else legible(text)

    def excerpt(self, text: str) -> str:
        """How a text that nobody understands begins, as a line in quotes."""
        # Far enough for a secret that begins within what is shown.
        return WITHHELD_EXCERPT if self.are_in(text[:MAX_READ]) else f'"{legible(text, MAX_EXCERPT)}"'

    def are_in(self, text: str) -> bool:
        """Whether user or password are repeated."""
        return any(one.repeats(text) for one in (*self._usernames, *self._passwords))


class Withheld:
    """A secret, by which texts are known that repeat it: in plain, in HTML's entities, percent-encoded or
    escaped, in all of them and several times; within base64 or hexadecimal digits; in another case or width,
    with elements, blanks or invisible characters in it or without its own; with anything at all in place of
    what is neither a letter of ASCII nor a digit. With `parts`, half of it is enough.
    """

    def __init__(self, secret: str, *, parts: bool = False) -> None:
        self._plain = {squeezed(one) for one in _spellings(secret)} - {""}
        encoded = {squeezed(one) for one in _encoded(secret)}
        encoded = {one for one in encoded if len(one) >= _LEAST_ENCODED}
        self._forms = self._plain | encoded
        if parts:
            self._forms = {part for one in self._plain for part in _parts(one, _LEAST_PART)}
            self._forms |= {part for one in encoded for part in _parts(one, _LEAST_ENCODED_PART)}
        self._runs = _runs(secret)
        self._invisible = secret if not self._plain else ""

    def repeats(self, text: str) -> bool:
        """Whether the first `MAX_COMPARED` characters hold the secret."""
        for one in _decoded(text[:MAX_COMPARED]):
            plain = squeezed(one)
            bare = _OTHER.sub("", plain)
            if any(form in plain or form in bare for form in self._forms) or _stand_in(bare, self._runs):
                return True
            if self._invisible and self._invisible in one:
                return True
        return False


def _parts(secret: str, least: int) -> Iterator[str]:
    """All that is so much of a secret that one could guess the rest."""
    size = min(len(secret), max(least, (len(secret) + 1) // 2))
    return (secret[start : start + size] for start in range(len(secret) - size + 1))


#: Letters and digits in a row, and how many may stand before them in place of others.
Run = tuple[int, str]


def _runs(secret: str) -> list[Run]:
    """What charsets and encodings leave of a secret; none if that is too little to be known by."""
    found: list[Run] = []
    end = 0
    plain = normalize("NFC", secret)
    for match in re.finditer(r"[0-9A-Za-z]+", plain):
        found.append((_MOST_ESCAPED * (match.start() - end), match[0].lower()))
        end = match.end()
    sizes = [len(run) for _, run in found]
    return found if max(sizes, default=0) >= _LEAST_RUN or sum(sizes) >= _LEAST_RUNS else []


def _stand_in(text: str, runs: Sequence[Run]) -> bool:
    """Whether a text has all of these runs, each as near to the one before as it may be."""
    ends: set[int] | None = None
    for most, run in runs:
        spans = [(0, len(text))] if ends is None else [(end, end + most + len(run)) for end in ends]
        ends = set()
        for start, stop in spans:
            while (start := text.find(run, start, stop) + 1) > 0:
                ends.add(start - 1 + len(run))
        if not ends:
            return False
    return bool(ends)


def squeezed(text: str) -> str:
    """What the spellings of a text have in common. What is put together is squeezed part by part.

    Decomposed and without marks, so that no accent joins with what stands before it; without the backslashes
    of quoted strings.
    """
    if text.isascii():
        return _UNSEEN.sub("", text.lower())
    plain = normalize("NFKD", normalize("NFKD", text).upper().casefold())  # there are capitals of two letters
    return "".join(c for c in plain if category(c)[0] not in "CMZ" and c != "\\")


def _unescaped(text: str) -> str:
    """Without the escapes of strings."""
    plain = _ESCAPE.sub(_character, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(match: re.Match[str]) -> str:
    number = int(match[4], 8) if match[4] else int(match[1] or match[2] or match[3], 16)
    return chr(number) if number <= sys.maxunicode else ""


def _without_prefixes(text: str) -> str:
    return _HEX_PREFIX.sub("", text)


def _of_decimals(text: str) -> str:
    return _BYTES.sub(_of_bytes, text)


def _of_bytes(match: re.Match[str]) -> str:
    numbers = [int(number) for number in re.findall("[0-9]+", match[0])]
    return "".join(map(chr, numbers)) if max(numbers) < 256 else match[0]


def _without_tags(text: str) -> str:
    return _TAG.sub("", text)


_DECODINGS = (
    html.unescape,
    unquote,
    unquote_plus,
    _unescaped,
    _without_tags,
    _without_prefixes,
    _of_decimals,
)
_CHARSETS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


def _decoded(text: str) -> set[str]:
    """A text and all that it may stand for."""
    found = fresh = {text}
    for _ in range(_ROUNDS):
        fresh = {decode(one) for one in fresh for decode in _DECODINGS} - found
        found = found | fresh
    return found


def _spellings(secret: str) -> Iterator[str]:
    """A secret, and what becomes of it where UTF-8 and Latin-1 are taken for one another, or for ASCII."""
    sent = secret.encode(errors="replace")
    yield secret
    yield sent.decode("latin-1")
    yield sent.decode("cp1252", "replace")
    yield secret.encode("latin-1", "replace").decode(errors="replace")
    yield secret.encode("ascii", "replace").decode()


def _encoded(secret: str) -> Iterator[str]:
    """A secret, as it is and as we send it, in hexadecimal and base64 digits: those that do not depend on
    what stands around it.
    """
    texts = (secret, escape(secret), quote(secret))
    for data in {text.encode(charset, "replace") for text in texts for charset in _CHARSETS}:
        yield data.hex()
        for before in range(3):  # bytes: any text around it shifts it by as many
            digits = b64encode(bytes(before) + data).decode()
            own = digits[-(before * -8 // 6) : (before + len(data)) * 8 // 6]
            yield own
            yield own.replace("+", "-").replace("/", "_")
