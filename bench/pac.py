"""A PAC that is not the bottleneck: nginx with one fixed answer, plain and over TLS, now or in 50 ms."""

import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import trustme

from bench.process import Died, Process
from monitor.simulator.envelope import Question, reply

NAMESPACE = "http://utilerias.timbrado.ws.cfdi.solucionfactible.com"
QUESTION = Question("getTimbres", None, None, None)
ANSWER = reply(QUESTION, NAMESPACE, 0, 200, (1000, 600, 400)).xml()

#: What finds the numbers in that answer, for those who read it without a parser.
PATTERN = r"<\w+:disponibles>(\d+)<.*<\w+:status>200<"

_ECHO = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
_CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log warn;
load_module {echo};
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    default_type "text/xml; charset=utf-8";
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        location = /fast {{ return 200 "{answer}"; }}
        location = /slow {{ echo_sleep 0.05; echo_exec /fast; }}
        location = /status {{ stub_status; }}
        location /pages/ {{ root {folder}; gzip_static on; default_type "text/plain; version=0.0.4"; }}
    }}
}}
"""


class Pac:
    """A running nginx. `authority` is the file that its certificate is checked with."""

    def __init__(self, process: Process, folder: Path, plain: int, tls: int) -> None:
        self.process = process
        self.authority = folder / "authority.pem"
        self.pages = folder / "pages"
        self.plain = plain
        self._tls = tls
        self._asked = 0
        self._connection = HTTPConnection("127.0.0.1", plain, timeout=5)

    def endpoint(self, *, tls: bool, slow: bool = False) -> str:
        path = "slow" if slow else "fast"
        return f"https://localhost:{self._tls}/{path}" if tls else f"http://127.0.0.1:{self.plain}/{path}"

    def page(self, name: str) -> str:
        """Where a file of the folder `pages` is served; `NAME.gz` to those who take gzip."""
        return f"http://127.0.0.1:{self.plain}/pages/{name}"

    def counts(self) -> tuple[int, int]:
        """Requests so far but for ours, and accepted connections."""
        self._connection.request("GET", "/status")
        text = self._connection.getresponse().read().decode()
        self._asked += 1
        found = re.search(r"^ (\d+) (\d+) (\d+) $", text, re.MULTILINE)
        if found is None:
            raise Died(f"nginx counts nothing: {text}")
        return int(found[3]) - self._asked, int(found[1])

    def close(self) -> None:
        self._connection.close()


@contextmanager
def serve(folder: Path) -> Iterator[Pac]:
    """The PAC, with everything that it needs in `folder`."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).exists() or not _ECHO.exists():
        raise SystemExit(
            "missing: apt-get install nginx libnginx-mod-http-echo (or as root: sh bench/tools.sh)"
        )
    (folder / "pages").mkdir(parents=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for number, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(folder / "certificate.pem", append=number > 0)
    plain, tls = free_ports(2)
    answer = ANSWER.replace("\\", r"\\").replace('"', r"\"")
    told = _CONFIG.format(folder=folder, echo=_ECHO, plain=plain, tls=tls, answer=answer)
    (folder / "nginx.conf").write_text(told)
    command = [nginx, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    with Process("nginx", command, folder / "nginx.log") as process:
        wait_for_port(process, plain)
        pac = Pac(process, folder, plain, tls)
        try:
            yield pac
        finally:
            pac.close()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, for programs that cannot be told to choose."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for_port(process: Process, port: int, seconds: float = 20.0) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            process.check()
            if time.monotonic() > deadline:
                raise Died(f"{process.name} does not listen") from None
            time.sleep(0.02)
        else:
            return
