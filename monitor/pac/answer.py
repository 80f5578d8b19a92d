"""What an HTTP answer of the PAC says: a `Quota` or a `PacError`.

An answer that nobody understands may be a refusal of the login: it never counts as read.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from unicodedata import category

from monitor.model import Quota, Verdict
from monitor.pac.content import Content, TooLarge, unpack
from monitor.pac.envelope import Fault, NotSoap
from monitor.pac.errors import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.reply import decoded
from monitor.pac.status import ERRORS, judge
from monitor.pac.withheld import MAX_COMPARED, MAX_EXCERPT, WITHHELD, Secrets, legible
from monitor.value import value

#: A refusal that stands in the bytes though the answer cannot be read: enough to hold an account, never
#: enough for a number. What follows the element's name is found first, so that long texts take little time.
_REFUSAL = re.compile(
    rb"(?:>|&gt;)\s{0,100}(?:<!\[CDATA\[\s{0,100})?\+?0{0,100}(60[0-9]|633)\s{0,100}(?:<|&lt;|\]\]>|\Z)"
)
#: The same in an answer that can be read: what is escaped there is the text of a message.
_PLAIN_REFUSAL = re.compile(rb">\s{0,100}\+?0{0,100}(60[0-9]|633)\s{0,100}<")
_STATUS = re.compile(rb"status[^<>]*\Z", re.IGNORECASE)
_NAME_AND_ATTRIBUTES = 200  # bytes between the element's name and the end of its tag
#: What Axis2 says to an operation in another namespace, in none, and in one where none should be.
_MISMATCH = re.compile(r"namespace mismatch require\s+(?:(\S+)\s+)?found\s")
_UNQUALIFIED = re.compile(r"non-namespace\s+qualified\s+element")
_NO_SERVICE = "endpoint reference (epr)"

#: A gateway's words, in SOAP dress or not: under these only a status code of the PAC says more of what to do.
_GATEWAY = (401, 403, 407, 429, 503)

_KIND = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_TO_BODY = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?<(?:[\w.-]+:)?Envelope\b[^>]*>.*?<(?:[\w.-]+:)?Body\b[^>]*>", re.DOTALL
)
_XMLNS = re.compile(r"""\sxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"<>]*"|'[^'<>]*')""")


@value(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Whoever reads a body of more than `MAX_BYTES` may stop one byte later."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def understand(answer: Answer, secrets: Secrets) -> Quota:
    """The numbers of an answer. Raises `PacError`, whose text repeats none of the secrets."""
    content = unpack(answer.body, answer.headers)
    try:
        quota = _read(answer, content, secrets)
    except Refused:
        raise
    except PacError as error:
        is_read = error.code.isdigit()
        _look_for_refusal(answer, content, secrets, is_read=is_read)
        says_why = error.code == "fault" or (is_read and error.code != "200")
        if says_why or error.verdict is not Verdict.UNREADABLE:
            raise
        text = f"{error.text} ({_described(answer, content, secrets)})"
        raise type(error)(error.code, text, Verdict.UNREADABLE, error.retry_after) from None
    _look_for_refusal(answer, content, secrets, is_read=True)
    return quota


def _look_for_refusal(answer: Answer, content: Content, secrets: Secrets, *, is_read: bool) -> None:
    """Raises `Refused` if a refusal stands in an answer that says something else, or nothing."""
    for body in {answer.body, content.body}:
        if code := refusal(body, is_read=is_read):
            where = "an answer that says otherwise" if is_read else "an answer that cannot be read"
            found = f"status {code} stands in {where} ({_described(answer, content, secrets)})"
            raise Refused(code, f"{ERRORS[code][1]}: {found}") from None


def refusal(body: bytes, *, is_read: bool = False) -> str | None:
    """The refusing status code that stands in these bytes, whatever else they are. `is_read`: as an element
    of its own, since the answer can be read.
    """
    text = body.replace(b"\0", b"")
    if b"60" not in text and b"633" not in text:
        return None
    for match in (_PLAIN_REFUSAL if is_read else _REFUSAL).finditer(text):
        if _STATUS.search(text, max(0, match.start() - _NAME_AND_ATTRIBUTES), match.start()):
            return match[1].decode()
    return None


def _read(answer: Answer, content: Content, secrets: Secrets) -> Quota:
    if 300 <= answer.status < 400:
        text = f"HTTP {answer.status}: redirects are not followed"
        raise Garbled("redirect", text, Verdict.UNREADABLE)
    try:
        reply = content.read()
    except NotSoap as error:
        code = "too_large" if isinstance(error, TooLarge) else "not_soap"
        raise _http_error(answer, code, str(error)) from None
    if answer.status in _GATEWAY and (isinstance(reply, Fault) or reply.status == "other"):
        # It looks like an answer of the PAC, which may refuse the login in it.
        raise _http_error(answer, "", "", Verdict.UNREADABLE)
    if isinstance(reply, Fault):
        raise _fault_error(reply, secrets)
    return judge(reply, secrets.message)


def _http_error(answer: Answer, code: str, text: str, of_busy: Verdict = Verdict.NOTHING) -> PacError:
    """The error of a whole answer that is not SOAP, or says nothing; `code` and `text` are for HTTP 200."""
    status = answer.status
    if status < 300:
        return Garbled(code, text, Verdict.UNREADABLE)
    code, text = f"http_{status}", f"HTTP {status} from the PAC or something in between"
    if status in (401, 403, 407):
        return Unavailable(code, text, Verdict.FORBIDDEN)
    if status in (429, 503):
        return Busy(code, text, of_busy, retry_after=_retry_after(answer.headers))
    if status in (502, 504):
        return Unavailable(code, text, Verdict.LOST)
    return (Unavailable if status >= 500 else Garbled)(code, text, Verdict.UNREADABLE)


def _fault_error(fault: Fault, secrets: Secrets) -> PacError:
    text = secrets.message(fault.text) or "unknown"
    if text != WITHHELD:
        said = fault.text[:MAX_COMPARED]  # no further: what follows may hold the password
        if (match := _MISMATCH.search(said)) or _UNQUALIFIED.search(said):
            wanted = legible((match and match[1]) or '""')
            return Rejected("fault", f"{text}; set `namespace: {wanted}` for this account")
        if _NO_SERVICE in text.lower():
            return Rejected("fault", f"{text}; check `endpoint` and `soap_action` of this account")
    return Unavailable("fault", f"SOAP fault: {text}", Verdict.UNREADABLE)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, given as seconds or as an HTTP date."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, (then - now).total_seconds())


def _described(answer: Answer, content: Content, secrets: Secrets) -> str:
    """What an answer was, for those who wonder why it cannot be read. Of an envelope, what is in its Body."""
    kind = _KIND.match(answer.headers.get("Content-Type", ""))
    words = [kind[0]] if kind and not secrets.are_in(kind[0]) else []
    if not isinstance(content.flaw, TooLarge):
        words.append(f"{len(content.body)} bytes" if content.body else "empty")
    text = decoded(content.body)
    if envelope := _TO_BODY.match(text):
        text = _XMLNS.sub("", text[envelope.end() :])
    if not _is_text(text[:MAX_EXCERPT]):
        words.append("not text")
    elif content.body:
        words.append(f"{'its Body ' if envelope else ''}begins {secrets.excerpt(text)}")
    return ", ".join(words)


def _is_text(text: str) -> bool:
    """A page with a stray control character still is one."""
    strange = sum(c == "\ufffd" or (category(c)[0] == "C" and c not in "\t\r\n") for c in text)
    return strange * 20 <= len(text)
