"""Text of the PAC, fit to be shown: one short line, and no secret in it, whatever the disguise.

PACs, and what stands before them, quote questions: escaped, encoded, wrapped and cut.
"""

import html
import re
from base64 import b64encode
from collections.abc import Iterator
from unicodedata import category, normalize
from urllib.parse import unquote, unquote_plus

MAX_TEXT = 300  # of what is shown, in characters
MAX_EXCERPT = 200
MAX_READ = 4 * MAX_TEXT  # nothing beyond is shown, however many blanks there are
MAX_COMPARED = 4000  # far more than that; and `html.unescape` fails at numbers of more than 4,300 digits

WITHHELD = "withheld: the PAC's message repeats the password"
WITHHELD_EXCERPT = "(withheld: it repeats the user or the password)"

_ROUNDS = 3  # of decoding
_JSON = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_UNSEEN = re.compile(r"[\x00-\x20\x7f\\]+")
#: What cutting leaves of an encoded character.
_CUT = re.compile(r"(?:&[#\w]{0,10}|\ufffd{0,3}%[0-9A-Fa-f]?|\ufffd{1,3}|\\u?[0-9A-Fa-f]{0,3})\Z")
_CLOSING = ".'\"`)]}>"  # what is put after something that was cut
_LEAST_HEAD = 4  # of a secret that was cut, in characters
_LEAST_ENCODED = 5  # of base64 and hexadecimal digits: fewer stand in any text


def legible(text: str, most: int = MAX_TEXT) -> str:
    """Foreign text as one short line without control characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[:MAX_READ]).split())
    return words if len(words) <= most else words[: most - 1] + "…"


class Secrets:
    """What of an account may not be shown, and what is shown in its place."""

    def __init__(self, username: str, password: str) -> None:
        self._username = Withheld(username)
        self._password = Withheld(password)

    def message(self, text: str) -> str:
        """A message of the PAC, as a line. It may name the user: that helps."""
        return WITHHELD if self._password.repeats(text) else legible(text)

    def excerpt(self, text: str) -> str:
        """How a text that nobody understands begins, as a line in quotes."""
        # Far enough for a secret that begins within what is shown.
        return WITHHELD_EXCERPT if self.are_in(text[:MAX_READ]) else f'"{legible(text, MAX_EXCERPT)}"'

    def are_in(self, text: str) -> bool:
        """Whether user or password are repeated."""
        return self._username.repeats(text) or self._password.repeats(text)


class Withheld:
    """A secret, by which texts are known that repeat it: in plain, in HTML's entities, percent-encoded or
    quoted as JSON, in all of them and several times; within base64 or hexadecimal digits; in another case or
    width, with blanks or invisible characters in it or without its own; in a wrong charset; cut by the end.
    """

    def __init__(self, secret: str) -> None:
        self._plain = {squeezed(one) for one in _spellings(secret)} - {""}
        encoded = {squeezed(one) for one in _encoded(secret)}
        self._forms = self._plain | {one for one in encoded if len(one) >= _LEAST_ENCODED}
        self._invisible = secret if not self._plain else ""

    def repeats(self, text: str) -> bool:
        """Whether the first `MAX_COMPARED` characters hold the secret."""
        for one in _decoded(text[:MAX_COMPARED]):
            plain = squeezed(one)
            if any(form in plain for form in self._forms) or (self._invisible and self._invisible in one):
                return True
            ends = (plain, plain.rstrip(_CLOSING), squeezed(_CUT.sub("", one)))
            if any(_ends_within(end, form) for end in ends for form in self._plain):
                return True
        return False


def _ends_within(text: str, secret: str) -> bool:
    """Whether a text ends with so much of a secret that one could guess the rest."""
    least = max(_LEAST_HEAD, (len(secret) + 1) // 2)
    return any(text.endswith(secret[:size]) for size in range(least, len(secret)))


def squeezed(text: str) -> str:
    """What the spellings of a text have in common. What is put together is squeezed part by part.

    Decomposed and without marks, so that no accent joins with what stands before it; without the backslashes
    of quoted strings.
    """
    if text.isascii():
        return _UNSEEN.sub("", text.lower())
    plain = normalize("NFKD", normalize("NFKD", text).upper().casefold())  # there are capitals of two letters
    return "".join(c for c in plain if category(c)[0] not in "CMZ" and c != "\\")


def _unquoted(text: str) -> str:
    """Without the escapes of JSON."""
    plain = _JSON.sub(lambda match: chr(int(match[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_DECODINGS = (html.unescape, unquote, unquote_plus, _unquoted)


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
    """A secret in hexadecimal and base64 digits, those that do not depend on what stands around it."""
    for data in {secret.encode(errors="replace"), secret.encode("latin-1", "replace")}:
        yield data.hex()
        for before in range(3):  # bytes: any text around it shifts it by as many
            digits = b64encode(bytes(before) + data).decode()
            own = digits[-(before * -8 // 6) : (before + len(data)) * 8 // 6]
            yield own
            yield own.replace("+", "-").replace("/", "_")
