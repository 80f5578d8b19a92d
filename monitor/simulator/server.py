"""The pretend PAC itself: one HTTP server, the operations on it, and what it remembers of its callers."""

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web

from monitor.simulator import control, forced
from monitor.simulator.account import Account, Issuer
from monitor.simulator.envelope import NamespaceMismatch, Question, Reply, Unreadable, read, reply
from monitor.simulator.fault import Call, Fault, find

PATH = "/ws/services/Utilerias"
NAMESPACE = "http://utilerias.timbrado.ws.cfdi.solucionfactible.com"

#: Questions are small; more than so many bytes is no question.
LARGEST_QUESTION = 64 * 1024

RFC = re.compile(r"[A-Z&Ñ]{3,4}[0-9]{2}(0[1-9]|1[012])(0[1-9]|[12][0-9]|3[01])[A-Z0-9]{2}[0-9A]")


class Pac:
    """A PAC with these accounts. Every attribute may be read and changed while it serves.

    clock: seconds of a steady clock, by which stamps burn.
    namespace: the one that it requires, "" for none; another is answered with the SOAP fault that names it.
    max_at_once: calls under way beyond this many are answered with status 503; `None` for no limit.
    latency: seconds before each answer.
    lock_after: wrong logins in a row that lock an account.
    faults: names of `FAULTS`, by RFC (or "implementacion"), by username, or by "*", the first found counting
        in this order; "200" stands for none.

    What it has seen, for assertions:

    calls: questions read, by RFC ("implementacion" for the pool).
    logins, wrong_logins: by username. Forced faults and status 503 look at no login.
    sent: answers, by status code or by the fault's name.
    at_once, most_at_once: calls under way, now and at most.
    followed: arrivals at the place where redirects lead.

    Raises `UnknownFault`.
    """

    def __init__(
        self,
        accounts: Iterable[Account] | Mapping[str, Account],
        *,
        clock: Callable[[], float] = time.monotonic,
        namespace: str = NAMESPACE,
        max_at_once: int | None = None,
        latency: float = 0.0,
        lock_after: int = 3,
        faults: dict[str, str] | None = None,
    ) -> None:
        every = accounts.values() if isinstance(accounts, Mapping) else accounts
        self.accounts = {account.username: account for account in every}
        self.clock = clock
        self.namespace = namespace
        self.max_at_once = max_at_once
        self.latency = latency
        self.lock_after = lock_after
        self.faults = {} if faults is None else faults
        self.calls: Counter[str] = Counter()
        self.logins: Counter[str] = Counter()
        self.wrong_logins: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.followed = 0
        self._turn = 0
        for name in self.faults.values():
            find(name)  # a misspelt fault must not pass for a good answer
        self.settle()

    def rotate(self, username: str, password: str) -> None:
        """Change the password at the PAC. It neither locks nor unlocks."""
        self.accounts[username].password = password

    def settle(self) -> None:
        """Bring the stamps of every issuer up to the clock."""
        now = self.clock()
        for account in self.accounts.values():
            for issuer in (*account.issuers.values(), *filter(None, [account.pool])):
                issuer.settle(now)

    @asynccontextmanager
    async def serve(
        self, host: str = "127.0.0.1", port: int = 0, ssl_context: SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Serve on a port (0: a free one) and yield the URL of the endpoint.

        Leaving stops at once, calls that hang included. Raises `OSError` if the port cannot be had.
        """
        http = web.Server(self._handle, handler_cancellation=True, access_log=None)
        listening = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),  # of IPv4 too
        )
        server = await asyncio.get_running_loop().create_server(http, sock=listening, ssl=ssl_context)
        scheme = "https" if ssl_context else "http"
        name = f"[{host}]" if ":" in host else host
        try:
            yield f"{scheme}://{name}:{server.sockets[0].getsockname()[1]}{PATH}"
        finally:
            server.close()
            for connection in http.connections:
                if connection.transport is not None:
                    connection.transport.abort()  # which cancels the call that hangs on it
            await http.shutdown(timeout=1)
            await server.wait_closed()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            return await self._beside(request)
        if request.method != "POST":
            return self._reject(forced.page(405, {"Allow": "POST"}), "http_405")
        if request.content_type != "text/xml":
            return self._reject(forced.page(415), "http_415")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._serve(request)
        except ConnectionError:  # the client left in the middle of a fault
            return web.Response()
        finally:
            self.at_once -= 1

    async def _beside(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == forced.ELSEWHERE:
            self.followed += 1
            return forced.page(200)
        if request.path.startswith("/ws/services/"):
            return self._reject(forced.epr(str(request.url)), "epr")
        return control.handle(self, request)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if len(body) > LARGEST_QUESTION:
            return self._reject(forced.page(413), "http_413")
        try:
            question = read(body, self.namespace)
        except NamespaceMismatch as error:
            return self._reject(forced.soap_fault(str(error)), "mismatch")
        except Unreadable as error:
            return self._reject(forced.soap_fault(str(error)), "fault11")
        self.calls[question.target] += 1
        action = request.headers.get("SOAPAction", "")
        if action.strip('"') != f"urn:{question.operation}":
            text = forced.OPERATION_NOT_FOUND.format(PATH, action)
            return self._reject(forced.soap_fault(text, "Client"), "epr")
        if self.max_at_once is not None and self.at_once > self.max_at_once:
            return self._send(self._reply(question, 503))
        # The login comes before any waiting: an answer that nobody stays for costs an attempt too.
        fault = self._fault(question) if self.faults else None
        answer = self._reply(question, 500) if fault and fault.forced else self._answer(question)
        account = self.accounts.get(question.username or "")
        if latency := self.latency + (account.latency if account else 0.0):
            await asyncio.sleep(latency)
        if fault is None:
            return self._send(answer)
        self.sent[fault.name] += 1
        return await fault.strike(Call(request, question, answer))

    def _fault(self, question: Question) -> Fault | None:
        for key in (question.target, question.username, "*"):
            if name := self.faults.get(key or ""):
                return find(name)
        return None

    def _answer(self, question: Question) -> Reply:
        """Log in, then tell the stamps: the PAC's real work."""
        if not question.username or not question.password:
            return self._reply(question, 611)
        account = self.accounts.get(question.username)
        self.logins[question.username] += 1
        status = account.login(question.password, self.lock_after) if account else 601
        if account is None or question.password != account.password:
            self.wrong_logins[question.username] += 1
        if account is None or status != 200:
            return self._reply(question, status)
        if question.operation == "getTimbresImplementacion":
            return self._stamps(question, account.pool, 630) if account.pool else self._reply(question, 611)
        issuer = account.issuers.get(question.rfc or "")
        if issuer is None:
            return self._reply(question, 612 if question.rfc and not RFC.fullmatch(question.rfc) else 611)
        return self._stamps(question, issuer, 631)

    def _stamps(self, question: Question, issuer: Issuer, run_out: int) -> Reply:
        issuer.settle(self.clock())
        if not issuer.available:
            return self._reply(question, run_out)
        return self._reply(question, 200, (issuer.contracted, issuer.available, issuer.used))

    def _reply(self, question: Question, status: int, numbers: tuple[int, int, int] | None = None) -> Reply:
        self._turn += 1
        return reply(question, self.namespace, self._turn, status, numbers)

    def _send(self, answer: Reply) -> web.Response:
        self.sent[answer.get("status")] += 1
        return forced.xml(answer.xml())

    def _reject(self, response: web.Response, name: str) -> web.Response:
        self.sent[name] += 1
        return response
