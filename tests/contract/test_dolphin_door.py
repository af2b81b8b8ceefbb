"""The door to the wire: whatever a server, or what stands before it, answers becomes one of three errors."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from tests.support.served import free_port
from wfgov_dagster.engines.dolphin.call import Call, Retry
from wfgov_dagster.engines.dolphin.client import Door
from wfgov_dagster.errors import EngineError, EngineRejected, EngineUnreachable, OutcomeUnknown

TOKEN = "c4n4ry-d00r-0123456789"
READ = Call("look", "GET", "/x", Retry.READ, 10109)
WRITE = Call("change it", "POST", "/x", Retry.WRITE, 10107, {"name": "n"})
SECONDS = 5.0
JSON = "application/json"
Answer = tuple[int, str, bytes]  # status, content type, body

# what is answered, what a read makes of it, what a write makes of it, words of the text
TABLE: list[tuple[str, Answer, type[EngineError], type[EngineError], str]] = [
    ("token wrong or expired", (401, "text/plain", b""), EngineRejected, EngineRejected,
     "token is wrong or has expired"),
    ("forbidden by a gateway", (403, "text/html", b"<html>"), EngineRejected, EngineRejected, "403"),
    ("unknown path", (404, "text/html", b"<html>"), EngineRejected, EngineRejected, "404"),
    ("wrong verb", (405, "text/html", b"<html>"), EngineRejected, EngineRejected, "405"),
    ("form too large", (413, "text/html", b""), EngineRejected, EngineRejected, "413"),
    ("asked too often", (429, "text/plain", b"slow down"), EngineUnreachable, EngineUnreachable, "429"),
    ("redirect to a login page", (302, "text/html", b""), EngineUnreachable, OutcomeUnknown, "302"),
    ("broken server", (500, "text/html", b"<html>"), EngineUnreachable, OutcomeUnknown, "500"),
    ("gateway without a server", (502, "text/html", b""), EngineUnreachable, OutcomeUnknown, "502"),
    ("server that restarts", (503, "text/html", b""), EngineUnreachable, OutcomeUnknown, "503"),
    ("gateway that waited too long", (504, "text/html", b""), EngineUnreachable, OutcomeUnknown, "504"),
    ("no content", (204, JSON, b""), EngineUnreachable, OutcomeUnknown, "204"),
    ("empty body", (200, JSON, b""), EngineUnreachable, OutcomeUnknown, "empty"),
    ("a page where JSON should be", (200, "text/html", b"<!doctype html><p>log in"), EngineUnreachable, OutcomeUnknown,
     "a page"),
    ("truncated JSON", (200, JSON, b'{"code":0,"da'), EngineUnreachable, OutcomeUnknown, "no JSON"),
    ("JSON of another kind", (200, JSON, b'["code"]'), EngineUnreachable, OutcomeUnknown, "no JSON"),
    ("no code", (200, JSON, b'{"data":{}}'), EngineUnreachable, OutcomeUnknown, "no JSON"),
    ("a code that is no number", (200, JSON, b'{"code":"yes"}'), EngineUnreachable, OutcomeUnknown, "no JSON"),
    ("refused with 200", (200, JSON, '{"code":50008,"msg":"定义 does not allow edit"}'.encode()), EngineRejected,
     EngineRejected, "50008 定义 does not allow edit"),
    ("refused with 201", (201, JSON, b'{"code":10019,"msg":"project demo already exists"}'), EngineRejected,
     EngineRejected, "10019"),
    ("refused without a word", (200, JSON, b'{"code":50003,"msg":null}'), EngineRejected, EngineRejected, "50003"),
    ("its own catch-all of a read", (200, JSON, b'{"code":10109,"msg":"query error"}'), EngineUnreachable,
     EngineRejected, "10109"),
    ("its own catch-all of a write", (200, JSON, b'{"code":10107,"msg":"update error"}'), EngineRejected,
     OutcomeUnknown, "10107"),
    ("no master", (200, JSON, b'{"code":10025,"msg":"master does not exist"}'), EngineUnreachable, EngineUnreachable,
     "10025"),
    ("a server that repeats the token", (200, JSON, f'{{"code":1,"msg":"bad {TOKEN}"}}'.encode()), EngineRejected,
     EngineRejected, r"bad \*\*\*"),
    ("a very long message", (200, JSON, b'{"code":1,"msg":"' + b"x" * 9000 + b'"}'), EngineRejected, EngineRejected,
     "…"),
]  # fmt: skip


@contextmanager
def answering(reply: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[str]]]:
    """URL, and the requests that came."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """It is no test's output."""

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            seen.append(f"{self.command} {self.path}")
            reply(self)

        do_GET = do_POST = _serve  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ds", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, call: Call, seconds: float = SECONDS, token: str = TOKEN) -> object:
    door = Door("ds", url, lambda: SecretStr(token))
    try:
        return door.send(call, seconds)
    finally:
        door.close()


def says(answer: Answer) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(request: BaseHTTPRequestHandler) -> None:
        status, kind, body = answer
        request.send_response(status)
        if 300 <= status < 400:
            request.send_header("location", "/elsewhere")
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return reply


@pytest.mark.parametrize(
    ("answer", "read", "write", "words"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_every_answer_is_one_of_three_errors(
    answer: Answer, read: type[EngineError], write: type[EngineError], words: str
) -> None:
    with answering(says(answer)) as (url, seen):
        for call, kind in ((READ, read), (WRITE, write)):
            with pytest.raises(EngineError) as caught:
                ask(url, call)
            assert type(caught.value) is kind
            assert caught.value.where == "engine ds"
            assert caught.value.hint
            assert TOKEN not in caught.value.sentence()
            assert len(caught.value.sentence()) < 700
        with pytest.raises(EngineError, match=words):
            ask(url, WRITE)
    assert set(seen) == {"GET /ds/x", "POST /ds/x"}  # nothing was followed
    assert len(seen) == 3  # and nothing repeated


def test_a_yes_is_its_data() -> None:
    with answering(says((201, JSON, b'{"code":0,"msg":"success","data":{"code":7}}'))) as (url, _):
        assert ask(url, WRITE) == {"code": 7}


@pytest.mark.parametrize("call", [READ, WRITE])
def test_where_nobody_listens_nothing_was_applied(call: Call) -> None:
    with pytest.raises(EngineUnreachable, match="no connection"):
        ask(f"http://127.0.0.1:{free_port()}/ds", call)


@pytest.mark.parametrize("call", [READ, WRITE])
def test_a_name_that_is_none_is_unreachable(call: Call) -> None:
    with pytest.raises(EngineUnreachable):
        ask("http://nowhere.invalid/ds", call)


@pytest.mark.parametrize(("call", "kind"), [(READ, EngineUnreachable), (WRITE, OutcomeUnknown)])
def test_who_says_nothing_in_time_has_not_answered(call: Call, kind: type[EngineError]) -> None:
    over = threading.Event()
    with answering(lambda _: over.wait(5) and None) as (url, _):
        with pytest.raises(kind):
            ask(url, call, 0.3)
        over.set()


@pytest.mark.parametrize(("call", "kind"), [(READ, EngineUnreachable), (WRITE, OutcomeUnknown)])
def test_who_drips_is_not_waited_for(call: Call, kind: type[EngineError]) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-length", "1000")
        request.end_headers()
        for _ in range(100):
            if over.wait(0.1):
                return
            request.wfile.write(b" ")
            request.wfile.flush()

    over = threading.Event()
    with answering(drip) as (url, _):
        with pytest.raises(kind):
            ask(url, call, 0.5)
        over.set()


@pytest.mark.parametrize(("call", "kind"), [(READ, EngineUnreachable), (WRITE, OutcomeUnknown)])
def test_a_connection_that_ends_in_the_middle_is_no_answer(call: Call, kind: type[EngineError]) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-length", "1000")
        request.end_headers()
        request.wfile.write(b'{"code":0')
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)

    with answering(cut) as (url, _), pytest.raises(kind):
        ask(url, call)


@pytest.mark.parametrize("url", ["", "ds", "ftp://h/ds", "http://", "http://user:secret@h/ds", "http://h:port/ds"])
def test_a_url_that_is_none_is_rejected_without_a_secret(url: str) -> None:
    with pytest.raises(EngineRejected) as caught:
        Door("ds", url, lambda: SecretStr(TOKEN))
    assert "secret" not in caught.value.sentence()


@pytest.mark.parametrize("token", ["", "two\nlines", "schlüssel"])
def test_a_token_that_is_none_is_rejected_before_anything_is_sent(token: str) -> None:
    with answering(says((200, JSON, b"{}"))) as (url, seen):
        with pytest.raises(EngineRejected) as caught:
            ask(url, READ, token=token)
        assert not token or token not in caught.value.sentence()
    assert seen == []


def test_after_a_write_a_call_cannot_end_with_nothing_applied() -> None:
    answers = [b'{"code":0,"data":1}', b'{"code":10024,"msg":"bad cron"}']

    def in_turn(request: BaseHTTPRequestHandler) -> None:
        says((200, JSON, answers.pop(0)))(request)

    with answering(in_turn) as (url, _):
        door = Door("ds", url, lambda: SecretStr(TOKEN))
        talk = door.talk(SECONDS)
        talk.ask(WRITE)
        with pytest.raises(OutcomeUnknown, match="half done: 10024 bad cron"):
            talk.ask(WRITE)
        door.close()


def test_no_time_left_is_unreachable() -> None:
    door = Door("ds", "http://127.0.0.1:9/ds", lambda: SecretStr(TOKEN))
    with pytest.raises(EngineUnreachable, match="no time left"):
        door.talk(0.0).ask(READ)
    door.close()
