"""The wire: SOAP 1.1, document/literal, as Axis2 speaks it. Questions in, replies out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser
from xml.sax.saxutils import escape, quoteattr

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

#: The operations, each with its arguments in the order that the schema demands.
OPERATIONS = {
    "getTimbres": ("usuario", "password", "rfcEmisor"),
    "getTimbresImplementacion": ("usuario", "password"),
}

#: The key of the integrator's own pool, which has no RFC.
POOL = "implementacion"

MESSAGES = {
    200: "La operación se completó con éxito.",
    500: "Ocurrió un error.",
    501: "Error de conexión a la base de datos.",
    502: "Error de almacenamiento en la base de datos.",
    503: "Límite de licencias de acceso simultáneo a la base de datos alcanzado.",
    601: "El usuario o la contraseña no son correctos.",
    602: "La cuenta de usuario se encuentra bloqueada.",
    603: "La contraseña de la cuenta ha expirado.",
    604: "Se ha superado el número máximo permitido de intentos fallidos de autenticación.",
    605: "El usuario se encuentra inactivo.",
    611: "Los datos recibidos están incompletos o no se encuentran donde se esperaba.",
    612: "El formato de los datos recibidos no es correcto.",
    624: "Los datos recibidos no cumplen con la unicidad.",
    630: "Se han agotado los timbres de la implementación.",
    631: "Se han agotado los timbres del emisor.",
    632: "Se ha alcanzado el límite de uso justo permitido por transacción.",
    633: "Uso indebido de cuenta de producción en pruebas o cuenta de prueba en producción.",
}


class Unreadable(Exception):
    """The question cannot be served: a SOAP fault with this text answers it."""


class NamespaceMismatch(Unreadable):
    """The operation's element is in another namespace than this PAC requires."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. An argument that was left out, or is nil, is `None`."""

    operation: str
    username: str | None
    password: str | None
    rfc: str | None

    @property
    def target(self) -> str:
        """The RFC, or `POOL`."""
        return (self.rfc or "") if self.operation == "getTimbres" else POOL


class _Builder(TreeBuilder):
    def doctype(self, *_: str | None) -> None:
        # Called before any entity is expanded, so that no bomb ever goes off here.
        raise Unreadable("DOCTYPE is not allowed")


def read(body: bytes, namespace: str) -> Question:
    """Read the body of a request, at most some tens of kilobytes, which the caller sees to."""
    parser = XMLParser(target=_Builder())  # noqa: S314 - no DOCTYPE, so no entities
    try:
        parser.feed(body)
        envelope = parser.close()
    except ParseError as error:
        raise Unreadable(f"com.ctc.wstx.exc.WstxParsingException: {error}") from None
    if envelope.tag != f"{{{SOAP11}}}Envelope":
        raise Unreadable(
            f"Transport level information does not match with SOAP Message namespace URI: {envelope.tag}"
        )
    operation = envelope.find(f"{{{SOAP11}}}Body/*")
    if operation is None:
        raise Unreadable("SOAP Body is empty")
    found, _, name = operation.tag.rpartition("}")
    if found[1:] != namespace:
        raise NamespaceMismatch(_mismatch(namespace, found[1:]))
    if name not in OPERATIONS:
        raise Unreadable(f"Unexpected subelement {name}")
    given: dict[str, str | None] = dict.fromkeys(("usuario", "password", "rfcEmisor"))
    expected = iter(OPERATIONS[name])
    for element in operation:
        found, _, local = element.tag.rpartition("}")
        # `in` uses the sequence up: as in the schema, each may be left out, and none may come late or twice.
        if found[1:] != namespace or local not in expected or len(element):
            raise Unreadable(f"org.apache.axis2.databinding.ADBException: Unexpected subelement {local}")
        if element.get(f"{{{XSI}}}nil") not in ("true", "1"):
            given[local] = element.text
    return Question(name, given["usuario"], given["password"], given["rfcEmisor"])


def _mismatch(namespace: str, found: str) -> str:
    """What Axis2 says; the third text has its spelling."""
    if namespace:
        return f"namespace mismatch require {namespace} found {found or 'none'}"
    return (
        "namespace mismatch. Axis Oepration expects non-namespace qualified element. "
        "But received a namespace qualified element"
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the PAC before it becomes bytes.

    fields: name and content, as XML already escaped, in the order of writing; `None` writes `xsi:nil`.
    prefix: of the types' namespace, which differs from answer to answer.
    """

    operation: str
    namespace: str
    prefix: str
    fields: tuple[tuple[str, str | None], ...]

    def get(self, name: str) -> str:
        """The content of a field; blank if it has none."""
        return dict(self.fields).get(name) or ""

    def but(self, **contents: str | None) -> "Reply":
        """The same with other contents of some fields; a field that was absent appears."""
        merged = dict(self.fields) | contents
        return replace(self, fields=tuple(sorted(merged.items())))

    def without(self, name: str) -> "Reply":
        """The same without one field."""
        return replace(self, fields=tuple(pair for pair in self.fields if pair[0] != name))

    def refusing(self, code: int) -> "Reply":
        """The same with another status code and the vendor's message for it."""
        return self.but(status=str(code), mensaje=MESSAGES.get(code, f"Código {code}"))

    def result(self) -> str:
        """The `return` element."""
        prefix = self.prefix
        fields = "".join(
            f"<{prefix}:{name}>{content}</{prefix}:{name}>"
            if content is not None
            else f'<{prefix}:{name} xsi:nil="true"/>'
            for name, content in self.fields
        )
        name = "ns:return" if self.namespace else "return"
        return (
            f'<{name} xmlns:{prefix}={quoteattr(self.namespace + "/xsd")} xmlns:xsi="{XSI}"'
            f' xsi:type="{prefix}:ResponseTimbres">{fields}</{name}>'
        )

    def xml(
        self, *, encoding: str = "UTF-8", prolog: str = "", soap: str = SOAP11, result: str | None = None
    ) -> str:
        """The whole document, of which the keywords change one thing each."""
        name, declared = f"{self.operation}Response", ""
        if self.namespace:
            name, declared = f"ns:{name}", f" xmlns:ns={quoteattr(self.namespace)}"
        return (
            f"<?xml version='1.0' encoding='{encoding}'?>{prolog}"
            f'<soapenv:Envelope xmlns:soapenv="{soap}"><soapenv:Body>'
            f"<{name}{declared}>{result or self.result()}</{name}>"
            "</soapenv:Body></soapenv:Envelope>"
        )


#: How a failed answer shows the numbers that it has not: the real one is not of one mind either.
NO_NUMBERS: tuple[Callable[[str], tuple[tuple[str, str | None], ...]], ...] = (
    lambda _: (),
    lambda name: ((name, None),),
    lambda name: ((name, ""),),
    lambda name: ((name, "0"),),
)


def reply(
    question: Question, namespace: str, turn: int, status: int, numbers: tuple[int, int, int] | None = None
) -> Reply:
    """Compose a reply; `numbers` are contracted, available and used stamps; `turn` varies its looks."""
    mensaje = escape(MESSAGES[status])
    fields: tuple[tuple[str, str | None], ...]
    if numbers is None:
        number = NO_NUMBERS[turn % len(NO_NUMBERS)]
        fields = (
            *number("contratados"),
            *number("disponibles"),
            ("mensaje", mensaje),
            ("status", str(status)),
            *number("usados"),
        )
    else:
        contracted, available, used = map(str, numbers)
        fields = (
            ("contratados", contracted),
            ("disponibles", available),
            ("mensaje", mensaje),
            ("status", str(status)),
            ("usados", used),
        )
    return Reply(question.operation, namespace, f"ax2{1 + turn % 5 * 2}", fields)
