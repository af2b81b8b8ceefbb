"""What each fault is, as the client sees it and as the server does: a real server, a real client, the proxy between."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.integration.embedded_support import until
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.faults import NOT_FORWARDED, Chooser, Fault, Rule, some_of_each
from tests.support.size import SEED, size
from wfgov_dagster.settings import CHECKOUT

ANSWER = "你好, " * 200
SLOWLY = 0.4  # seconds


class Handler(BaseHTTPRequestHandler):
    """Keeps what it was asked; `/chunked` answers in chunks, `/close` says nothing, everything else has a length."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def answer(self) -> None:
        body = self.body()
        self.server.seen.append((self.command, self.path, body))
        if self.path == "/close":
            self.close_connection = True
            return
        text = f"{self.command} {self.path} {body} {ANSWER}".encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("X-Seen", str(len(self.server.seen)))
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (text[:7], text[7:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - names that the library calls

    def body(self) -> str:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        whole = b""
        while length := int(self.rfile.readline(), 16):
            whole += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return whole.decode()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Not to stderr."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with fault_proxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=5.0, trust_env=False) as client:
        yield client


def post(client: httpx.Client, path: str = "/w") -> httpx.Response:
    return client.post(path, content="做")


# --- without a fault -----------------------------------------------------------------------------


def test_what_nobody_spoils_goes_through_as_it_is(client: httpx.Client, proxy: FaultProxy, server: Server) -> None:
    reply = post(client, "/w?a=1&b=%20")
    assert (reply.status_code, reply.headers["x-seen"]) == (201, "1")
    assert reply.text == f"POST /w?a=1&b=%20 做 {ANSWER}"
    assert server.seen == [("POST", "/w?a=1&b=%20", "做")]
    (handled,) = proxy.log
    assert (handled.no, handled.method, handled.target) == (1, "POST", "/w?a=1&b=%20")
    assert (handled.fault, handled.statuses, handled.error, handled.replied) == (Fault.NONE, [201], None, True)


def test_chunks_go_through_both_ways(client: httpx.Client, server: Server) -> None:
    reply = client.post("/chunked", content=iter([b"a", b"bc", b"d" * 100_000]))
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.text.startswith("POST /chunked abcddd")
    assert server.seen == [("POST", "/chunked", "abc" + "d" * 100_000)]


def test_a_reply_to_head_has_a_length_and_no_body(client: httpx.Client) -> None:
    replies = [client.head("/w"), client.get("/w")]
    assert [(len(reply.content) > 0, int(reply.headers["content-length"]) > 0) for reply in replies] == [
        (False, True),
        (True, True),
    ]


def test_a_clients_connection_serves_many_requests(proxy: FaultProxy) -> None:
    ports = set()
    with httpx.Client(base_url=proxy.url, trust_env=False) as client:
        for _ in range(5):
            with client.stream("GET", "/w") as reply:
                ports.add(reply.extensions["network_stream"].get_extra_info("client_addr"))
                reply.read()
    assert len(ports) == 1
    assert len(proxy.log) == 5


def test_many_clients_are_served_side_by_side(proxy: FaultProxy, server: Server) -> None:
    proxy.use([Rule(Fault.DELAY, seconds=SLOWLY)])
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: httpx.get(f"{proxy.url}/{at}", trust_env=False), range(8)))
    assert time.monotonic() - begun < 8 * SLOWLY
    assert sorted(path for _, path, _ in server.seen) == [f"/{at}" for at in range(8)]


def test_a_server_that_says_nothing_is_no_fault_of_the_proxys(client: httpx.Client, proxy: FaultProxy) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/close")
    assert (proxy.log[0].fault, proxy.log[0].statuses) == (Fault.NONE, [])
    assert "without a reply" in str(proxy.log[0].error) or "RemoteProtocolError" in str(proxy.log[0].error)


def test_where_no_server_is_the_client_gets_no_reply() -> None:
    with Server() as gone:
        url = gone.url
    with fault_proxy(url) as proxy, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(proxy.url, trust_env=False)
    assert "ConnectionRefusedError" in str(proxy.log[0].error)


# --- each fault ----------------------------------------------------------------------------------

CUT = httpx.RemoteProtocolError
BROKEN = httpx.ReadError
SEEN_BY_CLIENT: dict[Fault, type[Exception] | int] = {
    Fault.NONE: 201,
    Fault.DROP: CUT,
    Fault.DROP_REPLY: CUT,
    Fault.RESET: BROKEN,
    Fault.RESET_REPLY: BROKEN,
    Fault.ERROR: 503,
    Fault.ERROR_REPLY: 503,
    Fault.DELAY: 201,
    Fault.DELAY_REPLY: 201,
    Fault.DUPLICATE: 201,
    Fault.TRUNCATE: CUT,
    Fault.SLOW: 201,
}


@pytest.mark.parametrize("path", ["/w", "/chunked"])
@pytest.mark.parametrize("fault", Fault)
def test_client_and_server_see_what_the_fault_is(
    client: httpx.Client, proxy: FaultProxy, server: Server, fault: Fault, path: str
) -> None:
    proxy.use([Rule(fault, "POST", seconds=0.05)])
    assert client.get("/before").status_code == 200
    expected = SEEN_BY_CLIENT[fault]
    if isinstance(expected, int):
        reply = post(client, path)
        assert (reply.status_code, "fault proxy" in reply.text) == (expected, expected == 503)
    else:
        with pytest.raises(expected):
            post(client, path)
    times = 0 if fault in NOT_FORWARDED else 2 if fault is Fault.DUPLICATE else 1
    assert server.seen[1:] == [("POST", path, "做")] * times
    proxy.wait_idle(5)
    assert (proxy.log[1].fault, proxy.log[1].statuses) == (fault, [201] * times)
    assert proxy.log[1].replied == isinstance(expected, int)
    assert client.get("/after").status_code == 200, "the client cannot go on"


def test_of_a_duplicate_the_client_gets_the_first_reply(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.use([Rule(Fault.DUPLICATE)])
    assert post(client).headers["x-seen"] == "1"
    assert post(client).headers["x-seen"] == "3"


def test_a_truncated_reply_promises_more_than_it_holds(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.use([Rule(Fault.TRUNCATE)])
    with client.stream("GET", "/w") as reply:
        promised = int(reply.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {promised // 2} bytes, expected {promised}"):
            reply.read()


def test_a_truncated_reply_without_a_body_has_not_even_a_head(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.use([Rule(Fault.TRUNCATE)])
    with pytest.raises(httpx.RemoteProtocolError):
        client.head("/w")


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_REPLY])
def test_the_proxys_error_has_the_status_that_it_was_told(
    client: httpx.Client, proxy: FaultProxy, fault: Fault
) -> None:
    proxy.use([Rule(fault, status=502)])
    assert (client.get("/w").status_code, client.head("/w").status_code) == (502, 502)


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.DELAY_REPLY, Fault.SLOW])
def test_what_is_late_takes_its_time(client: httpx.Client, proxy: FaultProxy, fault: Fault) -> None:
    proxy.use([Rule(fault, seconds=SLOWLY)])
    begun = time.monotonic()
    assert post(client).text.startswith("POST /w 做")
    assert time.monotonic() - begun >= SLOWLY


def test_a_slow_reply_outlasts_a_time_out_that_counts_each_read(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.use([Rule(Fault.SLOW, seconds=1.0)])
    assert client.get("/w", timeout=0.7).status_code == 200


def test_a_delayed_request_reaches_the_server_after_its_client_gave_up(
    client: httpx.Client, proxy: FaultProxy, server: Server
) -> None:
    proxy.use([Rule(Fault.DELAY, seconds=2 * SLOWLY)])
    with pytest.raises(httpx.ReadTimeout):
        client.post("/w", content="late", timeout=0.1)
    assert server.seen == []
    proxy.wait_idle(5)
    assert server.seen == [("POST", "/w", "late")]


def test_a_delayed_reply_is_of_a_request_that_was_applied_at_once(
    client: httpx.Client, proxy: FaultProxy, server: Server
) -> None:
    proxy.use([Rule(Fault.DELAY_REPLY, seconds=SLOWLY)])
    with pytest.raises(httpx.ReadTimeout):
        client.post("/w", content="done", timeout=0.1)
    until(lambda: server.seen == [("POST", "/w", "done")])
    with pytest.raises(TimeoutError, match="1 requests in hand"):
        proxy.wait_idle(0.01)
    proxy.wait_idle(5)


# --- rules ---------------------------------------------------------------------------------------


def test_a_rule_is_about_a_method_a_path_and_the_nth_of_those(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.use([Rule(Fault.ERROR, "POST", r"^/projects/\d+/w$", frozenset({2, 3})), Rule(Fault.DUPLICATE, "PUT")])
    asked = [("POST", "/projects/1/w")] * 4 + [("GET", "/projects/1/w"), ("POST", "/projects/x/w"), ("PUT", "/w")]
    statuses = [client.request(method, path).status_code for method, path in asked]
    assert statuses == [201, 503, 503, 201, 200, 201, 200]
    hit = [handled.no for handled in proxy.log if handled.fault is not Fault.NONE]
    assert (hit, proxy.log[-1].fault) == ([2, 3, 7], Fault.DUPLICATE)


def test_the_first_rule_that_applies_counts() -> None:
    chooser = Chooser([Rule(Fault.DROP, nth=frozenset({2})), Rule(Fault.SLOW)], 0)
    assert [chooser.choose("GET", "/").fault for _ in range(3)] == [Fault.SLOW, Fault.DROP, Fault.SLOW]


def chosen(seed: int, odds: float, many: int = 2000) -> list[Fault]:
    chooser = Chooser(some_of_each(odds, 0.0), seed)
    return [chooser.choose("GET", "/").fault for _ in range(many)]


def test_the_same_seed_spoils_the_same_requests() -> None:
    assert chosen(SEED, 0.3) == chosen(SEED, 0.3)
    assert chosen(SEED, 0.3) != chosen(SEED + 1, 0.3)


@pytest.mark.parametrize("odds", [0.0, 0.1, 0.5, 1.0])
def test_chance_spoils_the_share_that_it_was_told_with_every_fault(odds: float) -> None:
    found = chosen(SEED, odds)
    assert sum(fault is not Fault.NONE for fault in found) == pytest.approx(odds * len(found), abs=0.05 * len(found))
    if 0 < odds < 1:
        assert set(found) == set(Fault)


def test_with_chance_every_history_is_told_as_it_was(server: Server) -> None:
    """Whatever happens, the log's statuses are what the server did, and a client that got a reply got that one."""
    many = size(60, 2000)
    with fault_proxy(server.url, some_of_each(0.5, 0.005), SEED) as proxy:
        with httpx.Client(base_url=proxy.url, timeout=5.0, trust_env=False) as client:
            got = [outcome(lambda at=at: client.post(f"/{at}", content=str(at))) for at in range(many)]  # type: ignore[misc]
        proxy.wait_idle(5)
        for at, handled in enumerate(proxy.log):
            applied = [one for one in server.seen if one[1] == f"/{at}"]
            assert handled.target == f"/{at}"
            assert handled.statuses == [201] * len(applied)
            assert got[at] == (SEEN_BY_CLIENT[handled.fault] if handled.replied else None)
    assert len(proxy.log) == many


def outcome(call: Callable[[], httpx.Response]) -> int | None:
    try:
        return call().status_code
    except httpx.TransportError:
        return None


# --- a process of its own ------------------------------------------------------------------------


def test_it_serves_as_a_process_and_writes_what_it_did(server: Server) -> None:
    command = [sys.executable, "-m", "tests.support.fault_proxy", server.url, "1.0", "0.0", str(SEED)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            url = process.stdout.readline().strip()
            got = [outcome(lambda: httpx.get(f"{url}/w", trust_env=False)) for _ in range(3)]
            told = [json.loads(process.stdout.readline()) for _ in got]
        finally:
            process.terminate()
            process.wait(timeout=10)
    assert [(one["no"], one["method"], one["target"]) for one in told] == [(no, "GET", "/w") for no in (1, 2, 3)]
    assert [one["fault"] for one in told] == chosen(SEED, 1.0, 3)
    assert [status is not None for status in got] == [one["replied"] for one in told]
