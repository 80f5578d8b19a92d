"""`getTimbres` over HTTP: the envelope out, a `Quota` or a `PacError` in.

Everything that can go wrong on the wire becomes a `PacError` here; what is wrong with an answer, in `answer`.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from xml.sax.saxutils import escape, quoteattr

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from monitor.config import Account
from monitor.log import where
from monitor.model import IMPLEMENTATION, Quota, Verdict
from monitor.pac.answer import Answer, refusal, understand
from monitor.pac.connections import Connections
from monitor.pac.errors import Garbled, PacError, Refused, Unavailable
from monitor.pac.reply import MAX_BYTES
from monitor.pac.status import ERRORS
from monitor.pac.withheld import Secrets

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


class Service:
    """`getTimbres` for one account: where to, as whom, in which namespace. Never changes.

    `timeout` is in seconds, for the whole call. Building one reads `ca_file`: not on the event loop.
    """

    def __init__(self, account: Account, timeout: float, version: str) -> None:
        self._url = URL(account.endpoint)
        self._origin = str(self._url.origin())
        proxy = account.proxy.get_secret_value() if account.proxy else ""
        self._proxy, named = _split(proxy)
        self._ssl = ssl.create_default_context(cafile=account.ca_file) if account.ca_file else True
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        password = account.password.get_secret_value()
        self._secrets = Secrets(account.username, password, _login(proxy))  # a proxy may repeat it
        self._head, self._tail = _envelope(account, "getTimbres", "rfcEmisor")
        self._pool_envelope = b"".join(_envelope(account, "getTimbresImplementacion"))
        self._headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{account.soap_action}"',
            "Accept-Encoding": "identity",
            "User-Agent": f"timbres-monitor/{version}",
        }
        self._proxy_headers = named
        if self._url.scheme == "http":  # there is no tunnel to open: the proxy reads the request itself
            self._headers |= named
        pool_action = account.soap_action.replace("getTimbres", "getTimbresImplementacion")
        self._pool_headers = self._headers | {"SOAPAction": f'"{pool_action}"'}

    async def get_timbres(self, connections: Connections, rfc: str, before: Before | None = None) -> Quota:
        """One request, no retry. Raises `PacError`, whose text repeats no password, and nothing else.

        What `before` raises is raised, and nothing is sent.
        """
        if rfc == IMPLEMENTATION:
            body, headers = _Body(self._pool_envelope, before), self._pool_headers
        else:
            envelope = self._head + escape(rfc).encode() + self._tail
            body, headers = _Body(envelope, before), self._headers
        try:
            async with connections.to(self._origin) as http:
                return await self._ask(http, body, headers)
        except Exception as error:  # noqa: BLE001  # whatever it is, it says what became of the login
            raise body.stopped or _folded(error, body.sent) from None

    async def _ask(self, http: aiohttp.ClientSession, body: "_Body", headers: dict[str, str]) -> Quota:
        async with http.post(
            self._url,
            data=body,
            headers=headers,
            ssl=self._ssl,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
            timeout=self._timeout,
            # A POST body, password and all, would be sent again on 307 and 308, to any host.
            allow_redirects=False,
        ) as response:
            content = await _bounded(response)
            return understand(Answer(response.status, response.headers, content), self._secrets)


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


def _envelope(account: Account, operation: str, last: str = "") -> tuple[bytes, bytes]:
    """The request up to the text of its `last` argument, and from there on."""
    # `namespace: ""` is none: then elements are unqualified.
    prefix, declared = ("ut:", f" xmlns:ut={quoteattr(account.namespace)}") if account.namespace else ("", "")
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f"<{prefix}{operation}{declared}>"
        f"<{prefix}usuario>{escape(account.username)}</{prefix}usuario>"
        f"<{prefix}password>{escape(account.password.get_secret_value())}</{prefix}password>"
    )
    tail = f"</{prefix}{operation}></soapenv:Body></soapenv:Envelope>"
    if last:
        head, tail = f"{head}<{prefix}{last}>", f"</{prefix}{last}>{tail}"
    return head.encode(), tail.encode()


def _login(proxy: str) -> tuple[str, str]:
    """User and password of a proxy."""
    url = URL(proxy)
    return url.user or "", url.password or ""


def _split(proxy: str) -> tuple[URL | None, dict[str, str]]:
    """A proxy's address, and the header that names us to it: aiohttp would write it in Latin-1, or fail."""
    if not proxy:
        return None, {}
    url = URL(proxy)
    if url.user is None and url.password is None:
        return url, {}
    login = f"{url.user or ''}:{url.password or ''}".encode(errors="replace")
    return url.with_user(None), {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"}


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The whole body; of more than `MAX_BYTES` a little more than that (the connection is dropped)."""
    content = b""
    try:
        while chunk := await response.content.readany():
            content += chunk
            if len(content) > MAX_BYTES:
                response.close()
                break
    except (aiohttp.ClientError, OSError):
        if (code := refusal(content)) is not None:
            raise Refused(code, f"{ERRORS[code][1]}; the rest of the answer was lost") from None
        raise
    return content


def _folded(error: Exception, sent: bool) -> PacError:
    """Whatever went wrong, as one of ours."""
    if isinstance(error, PacError):
        if not sent:  # an answer to nothing
            error.verdict = Verdict.NOT_SENT
        return error
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return _wire_error(error, sent)
    verdict = Verdict.LOST if sent else Verdict.NOT_SENT
    return Unavailable("other", f"internal error: {where(error)}", verdict)


def _wire_error(error: BaseException, sent: bool) -> PacError:
    """The error of a call that got no whole answer."""
    code, text, unsent = next(WIRE_ERRORS[kind] for kind in type(error).__mro__ if kind in WIRE_ERRORS)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        text = f"{text}: {getattr(error.certificate_error, 'verify_message', '')}".rstrip(": ")
    elif isinstance(error, aiohttp.ClientConnectorSSLError):
        # OpenSSL's fixed words, such as "unsupported protocol".
        reason = getattr(error.os_error, "reason", None) or ""
        text = f"{text}: {reason.replace('_', ' ').lower()}".rstrip(": ")
    elif isinstance(error, aiohttp.ClientConnectorError) and code == "connect" and error.os_error.errno:
        text = f"{text}: {os.strerror(error.os_error.errno)}"
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"{text}: HTTP {error.status}"
    if code == "not_soap":
        return Garbled(code, text, Verdict.UNREADABLE if sent else Verdict.NOT_SENT)
    if unsent or not sent:
        return Unavailable(code if unsent else "connect", text, Verdict.NOT_SENT)
    return Unavailable(code, text, Verdict.LOST)
