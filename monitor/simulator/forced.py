"""Faults that answer instead of the PAC: its login is never looked at, so they cost nobody an attempt."""

from xml.sax.saxutils import escape

from aiohttp import web

from monitor.simulator.envelope import SOAP11, SOAP12, Question, Reply

#: Where redirects lead; whoever arrives there has been fooled.
ELSEWHERE = "/elsewhere"

XML = {"Content-Type": "text/xml; charset=UTF-8"}
SOAP12_XML = {"Content-Type": "application/soap+xml; charset=UTF-8"}

SERVICE_NOT_FOUND = "The service cannot be found for the endpoint reference (EPR) {}"
OPERATION_NOT_FOUND = (
    "The endpoint reference (EPR) for the Operation not found is {} and the WSA Action = {}. "
    "If this EPR was previously reachable, please contact the server administrator."
)


def _fault11(text: str, code: str = "Server") -> str:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP11}\"><soapenv:Body>"
        f"<soapenv:Fault><faultcode>soapenv:{code}</faultcode><faultstring>{escape(text)}</faultstring><detail/>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def _fault12(text: str, code: str) -> str:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP12}\"><soapenv:Body>"
        f"<soapenv:Fault><soapenv:Code><soapenv:Value>soapenv:{code}</soapenv:Value></soapenv:Code>"
        f'<soapenv:Reason><soapenv:Text xml:lang="en-US">{escape(text)}</soapenv:Text></soapenv:Reason>'
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def xml(text: str, status: int = 200) -> web.Response:
    """An XML document over HTTP."""
    return web.Response(body=text.encode(), status=status, headers=XML)


def soap_fault(text: str, code: str = "Server") -> web.Response:
    """A SOAP 1.1 fault, which always comes as HTTP 500."""
    return xml(_fault11(text, code), 500)


def page(status: int, headers: dict[str, str] | None = None) -> web.Response:
    """An HTML page, as proxies and firewalls write them."""
    reason = web.Response(status=status).reason
    text = (
        f"<!DOCTYPE html><html><head><title>{status} {reason}</title></head>"
        f"<body><h1>{status} {reason}</h1><hr><p>proxy.example</p></body></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def http(status: int, retry_after: str | None = None) -> web.Response:
    """HTTP `status` with a page, and Retry-After in seconds or as a date."""
    return page(status, {"Retry-After": retry_after} if retry_after else None)


def redirect(status: int) -> web.Response:
    """A redirect to another path of this server."""
    return page(status, {"Location": ELSEWHERE})


def code(reply: Reply, status: int) -> web.Response:
    """The vendor's status code, with no numbers worth reading."""
    return xml(reply.refusing(status).xml())


def soap12(text: str = "unknown", code: str = "Receiver", status: int = 500) -> web.Response:
    """A SOAP 1.2 fault. Those of a Sender come as HTTP 400."""
    return web.Response(body=_fault12(text, code).encode(), status=status, headers=SOAP12_XML)


def mismatch(reply: Reply) -> web.Response:
    """The text that names the right namespace."""
    return soap_fault(f"namespace mismatch require {reply.namespace}/v2 found {reply.namespace}")


def epr(path: str) -> web.Response:
    """The text of a service that is not there."""
    return soap_fault(SERVICE_NOT_FOUND.format(path), "Client")


def echo(question: Question, reply: Reply) -> web.Response:
    """Status 500 whose message repeats the secrets of the question."""
    secrets = f"Error: usuario={question.username} password={question.password} rfc={question.rfc}"
    return xml(reply.refusing(500).but(mensaje=escape(secrets)).xml())
