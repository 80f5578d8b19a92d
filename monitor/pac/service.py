"""`getTimbres` over HTTP: the envelope out, a `Quota` or a `PacError` in.

Everything that can go wrong on the wire becomes a `PacError` here, in one place.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from monitor.config import Account
from monitor.model import IMPLEMENTATION, Quota, Verdict
from monitor.pac.errors import Busy, Garbled, PacError, Rejected, Unavailable
from monitor.pac.reply import MAX_BYTES, Fault, NotSoap, read
from monitor.pac.status import judge

#: What aiohttp raises, by class; the nearest ancestor counts. The flag: the request never left.
WIRE_ERRORS: dict[type[BaseException], tuple[str, str, bool]] = {
    aiohttp.ClientConnectorDNSError: ("dns", "the name cannot be resolved", True),
    aiohttp.ClientConnectorCertificateError: ("tls", "the certificate is not trusted", True),
    aiohttp.ClientSSLError: ("tls", "no TLS connection", True),
    aiohttp.ServerFingerprintMismatch: ("tls", "the certificate is another one", True),
    aiohttp.ClientProxyConnectionError: ("connect", "no connection to the proxy", True),
    aiohttp.ClientHttpProxyError: ("connect", "the proxy refuses to connect", True),
    aiohttp.ClientConnectorError: ("connect", "no connection", True),
    aiohttp.ConnectionTimeoutError: ("connect", "no connection in time", True),
    aiohttp.InvalidURL: ("connect", "an address that cannot be used", True),
    TimeoutError: ("timeout", "no answer in time", False),
    aiohttp.ClientResponseError: ("not_soap", "not an HTTP answer", False),
    aiohttp.ClientError: ("reset", "the connection broke", False),
    OSError: ("reset", "the connection broke", False),
}

#: Awaited once there is a connection, right before the password leaves.
Before = Callable[[], Awaitable[None]]

_MISMATCH = "namespace mismatch require "
_NO_SERVICE = "endpoint reference (epr)"


def session() -> aiohttp.ClientSession:
    """The one HTTP client. Connections are kept, so that most polls pay for no TLS handshake."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # `limit` decides how many calls at once
        cookie_jar=aiohttp.DummyCookieJar(),  # a session cookie would tie accounts together
        auto_decompress=False,  # 1.6 KB of brotli can become 1 GiB
        trust_env=False,
    )


class Service:
    """`getTimbres` for one account: where to, as whom, in which namespace. Never changes.

    `timeout` is in seconds, for the whole call. Building one reads `ca_file`: not on the event loop.
    """

    def __init__(self, account: Account, timeout: float, version: str) -> None:
        self._url = URL(account.endpoint)
        self._proxy = URL(account.proxy.get_secret_value()) if account.proxy else None
        self._ssl = ssl.create_default_context(cafile=account.ca_file) if account.ca_file else True
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._password = account.password.get_secret_value()
        head, tail = _envelope(account, "getTimbres")
        self._head, self._tail = head + b"<ut:rfcEmisor>", b"</ut:rfcEmisor>" + tail
        self._pool_envelope = b"".join(_envelope(account, "getTimbresImplementacion"))
        self._headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{account.soap_action}"',
            "Accept-Encoding": "identity",
            "User-Agent": f"timbres-monitor/{version}",
        }
        pool_action = account.soap_action.replace("getTimbres", "getTimbresImplementacion")
        self._pool_headers = self._headers | {"SOAPAction": f'"{pool_action}"'}

    async def get_timbres(self, http: aiohttp.ClientSession, rfc: str, before: Before | None = None) -> Quota:
        """One request, no retry. Raises `PacError`; its text repeats no password.

        What `before` raises is raised, and nothing is sent.
        """
        if rfc == IMPLEMENTATION:
            body, headers = _Body(self._pool_envelope, before), self._pool_headers
        else:
            envelope = self._head + escape(rfc).encode() + self._tail
            body, headers = _Body(envelope, before), self._headers
        try:
            return await self._ask(http, body, headers)
        except (aiohttp.ClientError, OSError) as error:
            raise body.stopped or _wire_error(error, body.sent) from None
        except PacError as error:
            if self._repeats_password(error.text):
                error.text = "(withheld: the PAC's message repeats the password)"
            raise

    async def _ask(self, http: aiohttp.ClientSession, body: "_Body", headers: dict[str, str]) -> Quota:
        async with http.post(
            self._url,
            data=body,
            headers=headers,
            ssl=self._ssl,
            proxy=self._proxy,
            timeout=self._timeout,
            # A POST body, password and all, would be sent again on 307 and 308, to any host.
            allow_redirects=False,
        ) as response:
            if 300 <= response.status < 400:
                raise Garbled("redirect", f"HTTP {response.status}: redirects are not followed")
            content = await _bounded(response)
            encoding = response.headers.get("Content-Encoding", "identity")
            if content is None:
                raise _http_error(response, "too_large", f"more than {MAX_BYTES} bytes")
            if encoding != "identity":
                raise _http_error(response, "not_soap", "compressed, though not asked for")
            try:
                reply = read(content)
            except NotSoap as error:
                raise _http_error(response, "not_soap", str(error)) from None
            if isinstance(reply, Fault):
                raise _fault_error(response, reply)
            return judge(reply)

    def _repeats_password(self, text: str) -> bool:
        word = self._password
        raw = word.encode()
        forms = {word, escape(word), quote(word, safe=""), quote_plus(word), b64encode(raw).decode()}
        return any(form in text for form in forms)


class _Body(aiohttp.BytesPayload):
    """A request body that knows whether it was written: before that, no login can have failed."""

    sent = False
    stopped: Exception | None = None  # what `before` raised; aiohttp makes an error of its own of it

    def __init__(self, value: bytes, before: Before | None) -> None:
        super().__init__(value, content_type="text/xml")
        self._before = before

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        if self._before is not None:
            try:
                await self._before()
            except Exception as error:
                self.stopped = error
                raise
        self.sent = True
        await super().write_with_length(writer, content_length)


def _envelope(account: Account, operation: str) -> tuple[bytes, bytes]:
    """The request up to the place of the RFC, and from there on."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f"<ut:{operation} xmlns:ut={quoteattr(account.namespace)}>"
        f"<ut:usuario>{escape(account.username)}</ut:usuario>"
        f"<ut:password>{escape(account.password.get_secret_value())}</ut:password>"
    )
    return head.encode(), f"</ut:{operation}></soapenv:Body></soapenv:Envelope>".encode()


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, or `None` as soon as it is over `MAX_BYTES` (the connection is dropped)."""
    content = b""
    while chunk := await response.content.readany():
        content += chunk
        if len(content) > MAX_BYTES:
            response.close()
            return None
    return content


def _wire_error(error: BaseException, sent: bool) -> PacError:
    """The error of a call that got no whole answer."""
    code, text, unsent = next(WIRE_ERRORS[kind] for kind in type(error).__mro__ if kind in WIRE_ERRORS)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        text = f"{text}: {getattr(error.certificate_error, 'verify_message', '')}".rstrip(": ")
    elif isinstance(error, aiohttp.ClientConnectorError) and code == "connect" and error.os_error.errno:
        text = f"{text}: {os.strerror(error.os_error.errno)}"
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"{text}: HTTP {error.status}"
    if code == "not_soap":
        return Garbled(code, text)
    if unsent or not sent:
        return Unavailable(code if unsent else "connect", text, Verdict.NOT_SENT)
    return Unavailable(code, text, Verdict.LOST)


def _http_error(response: aiohttp.ClientResponse, code: str, text: str) -> PacError:
    """The error of a whole answer that is not SOAP; `code` and `text` are for HTTP 200."""
    status = response.status
    if status < 300:
        return Garbled(code, text)
    code, text = f"http_{status}", f"HTTP {status} from the PAC or something in between"
    if status in (401, 403, 407):
        return Unavailable(code, text, Verdict.FORBIDDEN)
    if status in (429, 503):
        return Busy(code, text, retry_after=_retry_after(response))
    if status in (502, 504):
        return Unavailable(code, text, Verdict.LOST)
    return Unavailable(code, text) if status >= 500 else Garbled(code, text)


def _fault_error(response: aiohttp.ClientResponse, fault: Fault) -> PacError:
    if response.status in (401, 403, 407, 429, 503):
        # A gateway's words in SOAP dress: the HTTP status is the more careful reading.
        return _http_error(response, "fault", fault.text)
    if _MISMATCH in fault.text:
        wanted = fault.text.partition(_MISMATCH)[2].split(" ", 1)[0]
        text = f"{fault.text}; set `namespace: {wanted}` for this account"
        return Rejected("fault", text)
    if _NO_SERVICE in fault.text.lower():
        return Rejected("fault", f"{fault.text}; check `endpoint` and `soap_action` of this account")
    return Unavailable("fault", f"SOAP fault: {fault.text or 'unknown'}")


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """`Retry-After` in seconds, given as seconds or as an HTTP date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        now = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, (then - now).total_seconds())
