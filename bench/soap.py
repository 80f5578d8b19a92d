"""Others who speak SOAP: zeep in threads, and zeep on asyncio.

`python -m bench.soap threads|async ADDRESS IN_FLIGHT [--authority FILE]`
"""

import argparse
import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import requests
import zeep
from requests.adapters import HTTPAdapter
from zeep.transports import AsyncTransport, Transport

from bench.pac import NAMESPACE

_TEXTS = '<xs:element name="{}" type="xs:string" minOccurs="0"/>'
_WSDL = """<wsdl:definitions name="Utilerias" targetNamespace="{namespace}" xmlns:tns="{namespace}"
  xmlns:types="{namespace}/xsd" xmlns:xs="http://www.w3.org/2001/XMLSchema"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">
 <wsdl:types>
  <xs:schema targetNamespace="{namespace}/xsd" elementFormDefault="qualified">
   <xs:complexType name="ResponseTimbres"><xs:sequence>{answer}</xs:sequence></xs:complexType>
  </xs:schema>
  <xs:schema targetNamespace="{namespace}" elementFormDefault="qualified">
   <xs:import namespace="{namespace}/xsd"/>
   <xs:element name="getTimbres"><xs:complexType>
    <xs:sequence>{question}</xs:sequence>
   </xs:complexType></xs:element>
   <xs:element name="getTimbresResponse"><xs:complexType><xs:sequence>
    <xs:element name="return" type="types:ResponseTimbres" form="qualified"/>
   </xs:sequence></xs:complexType></xs:element>
  </xs:schema>
 </wsdl:types>
 <wsdl:message name="question"><wsdl:part name="parameters" element="tns:getTimbres"/></wsdl:message>
 <wsdl:message name="answer"><wsdl:part name="parameters" element="tns:getTimbresResponse"/></wsdl:message>
 <wsdl:portType name="Port"><wsdl:operation name="getTimbres">
  <wsdl:input message="tns:question"/><wsdl:output message="tns:answer"/>
 </wsdl:operation></wsdl:portType>
 <wsdl:binding name="Binding" type="tns:Port">
  <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
  <wsdl:operation name="getTimbres"><soap:operation soapAction="urn:getTimbres"/>
   <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
  </wsdl:operation>
 </wsdl:binding>
 <wsdl:service name="Utilerias"><wsdl:port name="Port" binding="tns:Binding">
  <soap:address location="{address}"/>
 </wsdl:port></wsdl:service>
</wsdl:definitions>"""
_NAMES = ("contratados", "disponibles", "mensaje", "status", "usados")
QUESTION = {"usuario": "bench", "password": "bench", "rfcEmisor": "EKU9003173C9"}


def wsdl(folder: str, address: str) -> str:
    """A description of the service, as a file."""
    path = Path(folder) / "utilerias.wsdl"
    answer, question = ("".join(map(_TEXTS.format, names)) for names in (_NAMES, QUESTION))
    path.write_text(_WSDL.format(namespace=NAMESPACE, address=address, answer=answer, question=question))
    return str(path)


def check(answer: object) -> None:
    if getattr(answer, "status", None) != "200":
        raise SystemExit(f"not the answer that was expected: {answer}")


def in_threads(file: str, in_flight: int, authority: str | None) -> None:
    session = requests.Session()
    session.trust_env = False  # its variables would win over `verify`
    session.verify = authority or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=in_flight))
    client = zeep.Client(file, transport=Transport(session=session))

    def poll_on() -> None:
        while True:
            check(client.service.getTimbres(**QUESTION))

    with ThreadPoolExecutor(in_flight) as pool:
        for ended in [pool.submit(poll_on) for _ in range(in_flight)]:
            ended.result()


async def on_asyncio(file: str, in_flight: int, authority: str | None) -> None:
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    http = httpx.AsyncClient(verify=authority or True, limits=limits, timeout=60, trust_env=False)
    client = zeep.AsyncClient(file, transport=AsyncTransport(client=http))

    async def poll_on() -> None:
        while True:
            check(await client.service.getTimbres(**QUESTION))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(poll_on())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=("threads", "async"))
    parser.add_argument("address")
    parser.add_argument("in_flight", type=int)
    parser.add_argument("--authority")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = wsdl(folder, told.address)
        if told.way == "threads":
            in_threads(file, told.in_flight, told.authority)
        else:
            asyncio.run(on_asyncio(file, told.in_flight, told.authority))


if __name__ == "__main__":
    main()
