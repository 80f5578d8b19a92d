"""A strict, bounded reader of SOAP envelopes, on the standard library's expat.

Tolerant of what does not matter (namespaces, prefixes, order of fields, which stack wrote it), strict about
what does: where a field stands, and that it stands there once::

    Envelope / Body / * / return / FIELD    or any name that ends in Return (Axis 1) or Result (.NET)
    Envelope / Body / multiRef / FIELD      what an href="#id" stands for (Axis 1)
    Envelope / Body / Fault                 SOAP 1.1 or 1.2
"""

from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

MAX_DEPTH = 32

_XML_SPACE = " \t\r\n"
_ODD = "?"  # stands for a field given twice, or with elements inside: never a number
_TEXT = ""  # the name of an element's own text


class NotSoap(Exception):
    """The bytes are not a SOAP envelope, or one that nobody should read on."""


class NotXml(NotSoap):
    """They are not even XML, as they stand."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault, 1.1 or 1.2. The text is as the PAC wrote it."""

    text: str


def collect(body: bytes, encoding: str | None = None) -> dict[str, str] | Fault:
    """The fields of the result, as stripped text; nil and blank ones are empty.

    `encoding` counts for more than what the XML declares. Raises `NotSoap`, nothing else.
    """
    collector = _Collector()
    try:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler = collector.start
        parser.EndElementHandler = collector.end
        parser.CharacterDataHandler = collector.data
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise NotXml(f"not XML, line {error.lineno}") from None
    except (LookupError, ValueError):  # an encoding that Python or expat does not know
        raise NotXml("not XML in a known encoding") from None
    return collector.found() if collector.fault is None else Fault(collector.fault)


def _refuse_doctype(*_: object) -> NoReturn:
    raise NotSoap("a DOCTYPE, which SOAP forbids")  # before any entity can be expanded


class _Reference(str):
    """The id of the `multiRef` that holds what is meant."""

    __slots__ = ()


class _Collector:
    """Keeps what stands in results and `multiRef`s, and the text of a fault."""

    __slots__ = ("fault", "fields", "holder", "level", "parts", "path", "referred", "text")

    def __init__(self) -> None:
        self.path: list[str] = []
        self.fields: dict[str, str] = {}  # of the results
        self.parts: dict[str, dict[str, str]] = {}  # of the `multiRef`s, by id
        self.referred: list[str] = []  # results that are `multiRef`s
        self.fault: str | None = None
        self.holder: dict[str, str] | None = None  # whose fields are being collected
        self.level = 0  # of its element
        self.text: str | None = None  # of the element being collected

    def start(self, name: str, attributes: dict[str, str]) -> None:
        path = self.path
        name = name.rpartition(":")[2]
        path.append(name)
        depth = len(path)
        if depth > MAX_DEPTH:
            raise NotSoap("nested too deeply")
        if depth == 1 and name != "Envelope":
            raise NotSoap("not a SOAP envelope")
        if depth < 3 or path[1] != "Body":
            return
        if self.holder is not None:
            if depth == self.level + 1:
                self._begin(name, attributes)
            else:
                self.text = None
                self.holder[path[self.level]] = _ODD
        elif path[2] == "Fault":
            if depth == 3:
                self.fault = ""
            elif depth == 4 and name in ("faultstring", "Reason"):
                self.text = ""
        elif depth == 4 and (name == "return" or name.endswith(("Return", "Result"))):
            self.holder, self.level = self.fields, depth
            if "href" in attributes:
                self.referred.append(attributes["href"].removeprefix("#"))
        elif depth == 3 and name == "multiRef":
            self.holder, self.level = self.parts.setdefault(attributes.get("id", ""), {}), depth
            self._begin(_TEXT, attributes)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.text = None
        if attributes and _is_nil(attributes):
            self._field(name, "")
        elif "href" in attributes:
            self._field(name, _Reference(attributes["href"].removeprefix("#")))
        else:
            self.text = ""

    def data(self, text: str) -> None:
        if self.text is not None:
            self.text += text

    def end(self, _name: str) -> None:
        path = self.path
        depth = len(path)
        text, level = self.text, self.level
        if self.holder is not None and depth <= level + 1:
            if text is not None:
                self._field(path[level] if depth > level else _TEXT, text.strip(_XML_SPACE))
            self.text = None
            if depth == level:
                self.holder = None
        elif text is not None and depth == 4 and path[2] == "Fault":
            self.fault = text
            self.text = None
        path.pop()

    def _field(self, name: str, text: str) -> None:
        if self.holder is not None:
            self.holder[name] = _ODD if name in self.holder else text

    def found(self) -> dict[str, str]:
        """The fields of the results, once all is read."""
        self.holder = self.fields
        for reference in self.referred:
            for name, text in self.parts.get(reference, {}).items():
                if name != _TEXT:
                    self._field(name, text)
        return {
            name: self.parts.get(text, {}).get(_TEXT, _ODD) if isinstance(text, _Reference) else text
            for name, text in self.fields.items()
        }


def _is_nil(attributes: dict[str, str]) -> bool:
    return any(
        name.rpartition(":")[2] == "nil" and value in ("true", "1") for name, value in attributes.items()
    )
