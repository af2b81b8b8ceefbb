"""The worst DolphinScheduler 3.1: whatever it refuses, it repeats the token in its answer, in a manner a request.

It takes one token and knows projects, tenants and lists of definitions; everything else goes wrong.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BASE = "/dolphinscheduler"
MANNERS = ("envelope", "catch-all", "html", "garbage", "cut off", "redirect", "429", "no type")


class EchoingServer:
    """`manners` of failing are used in turn; `seen`: the paths that were asked for."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.manners: tuple[str, ...] = MANNERS
        self.projects: list[str] = []
        self.seen: list[str] = []
        self.user = {"id": 1, "userName": "admin", "userType": "ADMIN_USER"}
        self.definitions: list[dict[str, str]] = []
        self._turn = 0
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """A server that keeps its mouth shut, for once."""

            def do_GET(self) -> None:
                double.answer(self)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}{BASE}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length") or 0)
        form = dict(parse_qsl(request.rfile.read(length).decode()))
        path = urlsplit(request.path).path.removeprefix(BASE)
        self.seen.append(f"{request.command} {path}")
        token = request.headers.get("token", "")
        if path == "/actuator/health":
            return self._send(request, 200, {"status": "UP"})
        if token != self.token:
            return self._send(request, 401, b"")
        found = self._known(request.command, path, form)
        if found is not None:
            return self._send(request, 200, {"code": 0, "msg": f"success, {token}", "data": found})
        if path.startswith("/ui-plugins") or path.endswith("/trigger"):
            return self._send(request, 404, f"<html>no way for {token}</html>".encode())
        return self._fail(request, token)

    def _known(self, method: str, path: str, form: dict[str, str]) -> Any:
        if path == "/projects" and method == "POST":
            self.projects.append(form["projectName"])
            return {"code": len(self.projects)}
        if path == "/projects":
            rows = [{"name": name, "code": at, "userId": 1, "perm": 7} for at, name in enumerate(self.projects, 1)]
            return {"totalList": rows, "total": len(rows)}
        return {
            "/users/get-user-info": self.user,
            "/tenants/list": [{"tenantCode": "default"}],
            "/worker-groups/all": ["default"],
            f"/projects/{len(self.projects)}/process-definition": (
                {"totalList": self.definitions, "total": len(self.definitions)} if method == "GET" else None
            ),
        }.get(path)

    def _fail(self, request: BaseHTTPRequestHandler, token: str) -> None:
        manner = self.manners[self._turn % len(self.manners)]
        self._turn += 1
        text = f"request with header token: {token} and {{'token': '{token}'}} by {token} failed"
        match manner:
            case "envelope":
                self._send(request, 200, {"code": 30002, "msg": text, "data": text})
            case "catch-all":
                self._send(request, 200, {"code": 10105, "msg": text, "data": None})
            case "html":
                self._send(request, 500, f"<html><body>{text}</body></html>".encode())
            case "garbage":
                self._send(request, 200, text.encode())
            case "cut off":
                self._send(request, 200, f'{{"code": 0, "data": "{text}'.encode())
            case "redirect":
                self._send(request, 302, b"", {"Location": f"http://127.0.0.1:1/?token={token}"})
            case "429":
                self._send(request, 429, text.encode())
            case _:
                self._send(request, 200, {"code": 0, "msg": text, "data": {"totalList": text, "total": text}})

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), "X-Echo": self.token, **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(raw)


@contextmanager
def echoing_server(token: str) -> Iterator[EchoingServer]:
    server = EchoingServer(token)
    thread = threading.Thread(target=server._http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._http.shutdown()
        server._http.server_close()
        thread.join()
