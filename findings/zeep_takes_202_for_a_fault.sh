#!/bin/sh
# zeep 4.3.2: an answer that comes with HTTP 202 is raised as a fault, whatever is in it.
#
# SOAP 1.1 over HTTP (section 6.2) takes every 2xx for success. A complete answer without any Fault,
# sent with 202, is raised as zeep.exceptions.Fault("Unknown fault occured"); with 200 the same bytes
# are a result, and an empty 202 is None. Who tells refusals from successes by the exception's class
# takes a success for a refusal.
#
# Seen: 200 -> 10 | 202 -> Fault: Unknown fault occured | 202, empty -> None
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zeep==4.3.2 requests==2.32.5 lxml==6.0.2
cat >"$folder/quota.wsdl" <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:q="urn:quota" targetNamespace="urn:quota">
  <types>
    <xs:schema targetNamespace="urn:quota" elementFormDefault="qualified">
      <xs:element name="ask" type="xs:string"/>
      <xs:element name="left" type="xs:int"/>
    </xs:schema>
  </types>
  <message name="in"><part name="part" element="q:ask"/></message>
  <message name="out"><part name="part" element="q:left"/></message>
  <portType name="port">
    <operation name="ask"><input message="q:in"/><output message="q:out"/></operation>
  </portType>
  <binding name="binding" type="q:port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="ask">
      <soap:operation soapAction="urn:ask"/>
      <input><soap:body use="literal"/></input>
      <output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="service">
    <port name="port" binding="q:binding"><soap:address location="http://127.0.0.1/"/></port>
  </service>
</definitions>
WSDL
cat >"$folder/try.py" <<'PYTHON'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import zeep

FULL = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<left xmlns="urn:quota">10</left></e:Body></e:Envelope>'
)


class Answer(BaseHTTPRequestHandler):
    status, body = 200, FULL

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = zeep.Client(sys.argv[1])
service = client.create_service("{urn:quota}binding", f"http://127.0.0.1:{server.server_port}/")


def seen(status, body):
    Answer.status, Answer.body = status, body
    try:
        return str(service.ask("a"))
    except zeep.exceptions.Fault as fault:
        return f"Fault: {fault.message}"


result = f"200 -> {seen(200, FULL)} | 202 -> {seen(202, FULL)} | 202, empty -> {seen(202, b'')}"
print("zeep", zeep.__version__)
print(result)
sys.exit(result != "200 -> 10 | 202 -> Fault: Unknown fault occured | 202, empty -> None")
PYTHON
"$folder/venv/bin/python" "$folder/try.py" "$folder/quota.wsdl"
