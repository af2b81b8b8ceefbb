"""A proxy that stands in front of a real HTTP/1.1 server and spoils what it is told to, on this machine only.

From a test: `with fault_proxy(url, rules) as proxy`, which serves in a thread. As a process of its own:
`python -m tests.support.fault_proxy URL ODDS SECONDS SEED` prints its URL and then one JSON line a request.

Requests and replies are read as a whole before they go on (no event streams, no upgrades), and each forwarding has a
connection of its own; the client's stays open as HTTP says. Framing is h11's.
"""

import asyncio
import dataclasses
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from tests.support.faults import NOT_FORWARDED, Chooser, Fault, Handled, Rule, some_of_each

HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade"}
PIECES = 10  # of a slow reply
STARTS_WITHIN_SECONDS = 10.0
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Message:
    """A whole request or response. `trailers` follow a chunked body."""

    head: h11.Request | h11.Response
    body: bytes
    trailers: Headers

    def headers(self) -> Headers:
        """Those that are meant for the other end."""
        return [(name, value) for name, value in self.head.headers.raw_items() if name.lower() not in HOP_BY_HOP]


class Wire:
    """One end of a connection that speaks HTTP/1.1."""

    def __init__(self, role: type[h11.CLIENT | h11.SERVER], streams: "Streams") -> None:
        self.http = h11.Connection(role)
        self.reader, self.writer = streams

    async def receive(self) -> Message | None:
        """None: the other end has no more to say. Raises h11.RemoteProtocolError and ConnectionError."""
        head: h11.Request | h11.Response | None = None
        body = bytearray()
        while True:
            match self.http.next_event():
                case h11.NEED_DATA:
                    if self.http.they_are_waiting_for_100_continue:
                        self.write(h11.InformationalResponse(status_code=100, headers=[]))
                    self.http.receive_data(await self.reader.read(65536))
                case h11.Request() | h11.Response() as found:
                    head = found
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage(headers=trailers):
                    assert head is not None
                    return Message(head, bytes(body), list(trailers.raw_items()))
                case h11.ConnectionClosed():
                    return None

    def encode(self, head: h11.Request | h11.Response, message: Message) -> tuple[bytes, bytes]:
        """(head, body) as they go over the wire."""
        first = self.http.send(head)
        rest = [self.http.send(h11.Data(data=message.body)), self.http.send(h11.EndOfMessage(headers=message.trailers))]
        return first or b"", b"".join(part or b"" for part in rest)

    def write(self, event: h11.Event) -> None:
        self.writer.write(self.http.send(event) or b"")

    def reset(self) -> None:
        """End it so that the other side is told of a broken connection."""
        opened = self.writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):  # the other end was quicker
            await self.writer.wait_closed()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FaultProxy:
    """`log`: every request, in the order in which they came. `tell` is called when one has been dealt with."""

    def __init__(self, upstream: str, tell: Callable[[Handled], None] = lambda _: None) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        self._upstream = (parts.hostname, parts.port or 80)
        self._tell = tell
        self._chooser = Chooser((), 0)
        self._idle = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand = 0
        self.url = ""
        self.log: list[Handled] = []
        self._idle.set()

    def use(self, rules: Sequence[Rule], seed: int = 0) -> None:
        """From the next request on; counting begins anew."""
        self._chooser = Chooser(rules, seed)

    def wait_idle(self, seconds: float) -> None:
        """Until nothing is on its way, late requests included. Raises TimeoutError."""
        if not self._idle.wait(seconds):
            raise TimeoutError(f"after {seconds} s the proxy still has {self._in_hand} requests in hand")

    async def serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Until `stop`. What is in hand then is cut off. Raises what went wrong in the proxy itself."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready()
        await stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        broken = [end for end in ends if isinstance(end, Exception)]
        if broken:
            raise ExceptionGroup("the fault proxy failed", broken)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(Wire(h11.SERVER, (reader, writer))))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        """One that failed is kept, `serve` tells of it."""
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def _connection(self, client: Wire) -> None:
        try:
            while (request := await client.receive()) is not None:
                self._in_hand += 1
                self._idle.clear()
                try:
                    goes_on = await self._request(client, request)
                finally:
                    self._in_hand -= 1
                    if self._in_hand == 0:
                        self._idle.set()
                if not goes_on or client.http.our_state is not h11.DONE or client.http.their_state is not h11.DONE:
                    break
                client.http.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the client has gone: what was done for it is in the log
        finally:
            await client.close()

    async def _request(self, client: Wire, request: Message) -> bool:
        """True: the client's connection is still good."""
        assert isinstance(request.head, h11.Request)
        method, target = request.head.method.decode(), request.head.target.decode()
        rule = self._chooser.choose(method, target)
        handled = Handled(len(self.log) + 1, method, target, rule.fault)
        self.log.append(handled)
        try:
            reply = None if rule.fault in NOT_FORWARDED else await self._forward(request, rule, handled)
            return await self._reply(client, rule, reply, handled)
        finally:
            self._tell(handled)

    async def _forward(self, request: Message, rule: Rule, handled: Handled) -> Message | None:
        """The reply; None where the server gave none."""
        if rule.fault is Fault.DELAY:
            await asyncio.sleep(rule.seconds)
        replies = []
        for _ in range(2 if rule.fault is Fault.DUPLICATE else 1):
            try:
                replies.append(await self._once(request, handled))
            except (OSError, h11.RemoteProtocolError) as failure:
                handled.error = repr(failure)
                break
        return replies[0] if replies else None

    async def _once(self, request: Message, handled: Handled) -> Message:
        server = Wire(h11.CLIENT, await asyncio.open_connection(*self._upstream))
        try:
            assert isinstance(request.head, h11.Request)
            headers = [*request.headers(), (b"connection", b"close")]
            head = h11.Request(method=request.head.method, target=request.head.target, headers=headers)
            server.writer.write(b"".join(server.encode(head, request)))
            await server.writer.drain()
            reply = await server.receive()
            if reply is None:
                raise ConnectionResetError("the server closed the connection without a reply")
            assert isinstance(reply.head, h11.Response)
            handled.statuses.append(reply.head.status_code)
            return reply
        finally:
            await server.close()

    async def _reply(self, client: Wire, rule: Rule, reply: Message | None, handled: Handled) -> bool:
        if rule.fault in {Fault.RESET, Fault.RESET_REPLY}:
            client.reset()
            return False
        if rule.fault in {Fault.ERROR, Fault.ERROR_REPLY}:
            reply = _error(rule.status, handled.method)
        if reply is None or rule.fault is Fault.DROP_REPLY:
            return False
        if rule.fault is Fault.DELAY_REPLY:
            await asyncio.sleep(rule.seconds)
        assert isinstance(reply.head, h11.Response)
        first = h11.Response(status_code=reply.head.status_code, reason=reply.head.reason, headers=reply.headers())
        head, body = client.encode(first, reply)
        if rule.fault is Fault.TRUNCATE:
            client.writer.write(head + body[: len(body) // 2] if body else head[: len(head) // 2])
            await client.writer.drain()
            return False
        handled.replied = True  # before the client can have it: who has a reply finds it in the log
        if rule.fault is Fault.SLOW:
            await _drip(client.writer, head + body, rule.seconds)
        else:
            client.writer.write(head + body)
            await client.writer.drain()
        return True


async def _drip(writer: asyncio.StreamWriter, data: bytes, seconds: float) -> None:
    length = max(1, -(-len(data) // PIECES))
    for at in range(0, len(data), length):
        await asyncio.sleep(seconds / PIECES)
        writer.write(data[at : at + length])
        await writer.drain()


def _error(status: int, method: str) -> Message:
    """As a gateway apologises: not in the words of the server behind it."""
    page = b"<html><body>the fault proxy says no</body></html>"
    headers = [("content-type", "text/html"), ("content-length", str(len(page)))]
    head = h11.Response(status_code=status, headers=headers, reason=b"Fault")
    return Message(head, b"" if method == "HEAD" else page, [])


@contextmanager
def fault_proxy(upstream: str, rules: Sequence[Rule] = (), seed: int = 0) -> Iterator[FaultProxy]:
    """A proxy in a thread of its own, until the end of the block. `upstream`: http://host:port."""
    proxy = FaultProxy(upstream)
    proxy.use(rules, seed)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    ended: Future[None] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        await proxy.serve(lambda: started.set_result((asyncio.get_running_loop(), stop)), stop)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as failure:  # noqa: BLE001 - raised again in the thread of the test
            (ended if started.done() else started).set_exception(failure)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=run, name="fault proxy")
    thread.start()
    loop, stop = started.result(STARTS_WITHIN_SECONDS)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
    ended.result()


def main() -> None:
    upstream, odds, seconds, seed = sys.argv[1:]
    proxy = FaultProxy(upstream, lambda handled: print(json.dumps(dataclasses.asdict(handled)), flush=True))  # noqa: T201
    proxy.use(some_of_each(float(odds), float(seconds)), int(seed))

    async def serve() -> None:
        await proxy.serve(lambda: print(proxy.url, flush=True), asyncio.Event())  # noqa: T201

    asyncio.run(serve())


if __name__ == "__main__":
    main()
