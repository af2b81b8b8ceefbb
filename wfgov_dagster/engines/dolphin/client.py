"""The one door to the wire: what comes back is data, or EngineRejected, EngineUnreachable, OutcomeUnknown, no more.

Nothing is repeated, no redirect is followed, no proxy of the environment is used. The token is in one header and in no
text that leaves here.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from typing import Any, Final

import httpx
import orjson
from pydantic import SecretStr

from wfgov_dagster.engines.dolphin.call import Call, Retry
from wfgov_dagster.engines.dolphin.words import hint_for, tidy
from wfgov_dagster.errors import EngineError, EngineRejected, EngineUnreachable, OutcomeUnknown

_LARGEST_BYTES: Final = 64 * 1024 * 1024
_CONNECT_SECONDS: Final = 10.0
_NO_MASTER: Final = 10025  # nothing applied, and it may well be there in a minute
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@cache
def _trusted() -> ssl.SSLContext:
    """Who vouches for servers. Read once: it takes as long as several requests."""
    return httpx.create_ssl_context(trust_env=False)


class Door:
    """One server. Threads may share it. `token` is asked for at each request."""

    def __init__(self, name: str, url: str, token: Callable[[], SecretStr]) -> None:
        self.where = f"engine {name}"
        self._token = token
        try:
            base = httpx.URL(url.rstrip("/"))
        except httpx.InvalidURL as exc:
            raise EngineRejected(f"its URL is none: {exc}", where=self.where) from exc
        if base.scheme not in {"http", "https"} or not base.host or base.userinfo:
            hint = "http(s)://host:port/dolphinscheduler, without a user in it"
            raise EngineRejected("its URL is none that a server could have", where=self.where, hint=hint)
        self._client = httpx.Client(base_url=base, trust_env=False, follow_redirects=False, verify=_trusted())

    def close(self) -> None:
        self._client.close()

    def talk(self, seconds: float) -> "Talk":
        return Talk(self, seconds)

    def send(self, call: Call, seconds: float) -> Any:
        """`data` of its answer, within so many seconds altogether."""
        token = self._token().get_secret_value()
        if not token or not token.isascii() or not token.isprintable():
            raise EngineRejected("its token is none: empty, or not in one line of ASCII", where=self.where)
        try:
            status, body = self._exchange(call, token, seconds)
        except _NOT_SENT as exc:
            raise self._unreachable(call, f"no connection: {exc}") from exc
        except (httpx.HTTPError, httpx.StreamError, _TooMuch) as exc:
            raise self._unreadable(call, str(exc) or type(exc).__name__) from exc
        return self._read(call, status, body.replace(token.encode(), b"***"), token)

    def date(self, seconds: float) -> datetime | None:
        """The server's clock, in whole seconds, as its answers tell it; None if they do not. Without the token."""
        try:
            reply = self._client.get("actuator/health", timeout=min(seconds, _CONNECT_SECONDS))
            return parsedate_to_datetime(reply.headers["date"]).astimezone(UTC)
        except (httpx.HTTPError, KeyError, ValueError):
            return None

    def _exchange(self, call: Call, token: str, seconds: float) -> tuple[int, bytes]:
        end = monotonic() + seconds
        request = self._client.build_request(
            call.method,
            call.path.lstrip("/"),
            params=dict(call.parameters) if call.in_query else None,
            data=None if call.in_query else {name: str(value) for name, value in call.parameters.items()},
            headers={"token": token, "language": "en_US", "cookie": "language=en_US", "accept": "application/json"},
            timeout=httpx.Timeout(max(0.01, seconds), connect=max(0.01, min(seconds, _CONNECT_SECONDS))),
        )
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for piece in response.iter_bytes():  # a server that drips would outlast every time-out of a single read
                body += piece
                if monotonic() > end:
                    raise _TooMuch(f"no whole reply within {seconds:.0f} s")
                if len(body) > _LARGEST_BYTES:
                    raise _TooMuch(f"a reply of more than {_LARGEST_BYTES} bytes")
            return response.status_code, bytes(body)
        finally:
            response.close()

    def _read(self, call: Call, status: int, body: bytes, token: str) -> Any:
        """`body`: without the token, wherever the server repeated it as it is."""
        if status == 401:
            hint = f"wfgov {self.where.replace(' ', ' token ', 1)}, or set the variable that it is in"
            raise EngineRejected("401: its token is wrong or has expired", where=self.where, hint=hint)
        if status == 429:
            raise self._unreachable(call, "429: it is asked too often")
        if 400 <= status < 500:
            hint = "is its URL the one of its API, like http://host:12345/dolphinscheduler?"
            raise EngineRejected(f"{status}: it knows no way to {call.what}", where=self.where, hint=hint)
        if status not in {200, 201}:
            raise self._unreadable(call, f"HTTP status {status}")
        try:
            found = orjson.loads(body)
            code, message = int(found["code"]), str(found.get("msg"))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as exc:
            raise self._unreadable(call, _looks_like(body)) from exc
        if code == 0:
            wrong = call.answer(found.get("data"))
            if wrong:
                raise self._unreadable(call, f"a yes with data of another kind: {wrong}")
            return found.get("data")
        raise self._refusal(call, code, message.replace(token, "***"))

    def _refusal(self, call: Call, code: int, message: str) -> EngineError:
        told = f"{code} {tidy(message)}"
        if code == _NO_MASTER:
            return self._unreachable(call, told)
        if code == call.catch_all:
            return self._unreadable(call, told)
        return EngineRejected(f"{told} (asked to {call.what})", where=self.where, hint=hint_for(code), number=code)

    def _unreachable(self, call: Call, why: str) -> EngineUnreachable:
        return EngineUnreachable(f"could not {call.what}: {tidy(why)}", where=self.where, hint="is the server up?")

    def _unreadable(self, call: Call, why: str) -> EngineError:
        """There was a server, but no answer that can be read."""
        if call.retry is Retry.READ:
            return self._unreachable(call, why)
        hint = "observe it before the next try"
        return OutcomeUnknown(f"asked to {call.what}, and no answer: {tidy(why)}", where=self.where, hint=hint)


class Talk:
    """The requests of one call of the port, which share its time. Once one of them was a write that was applied, the
    call cannot end with "nothing was applied"."""

    def __init__(self, door: Door, seconds: float) -> None:
        self._door = door
        self._end = monotonic() + seconds
        self._wrote = False

    @property
    def left(self) -> float:
        return self._end - monotonic()

    def ask(self, call: Call) -> Any:
        try:
            if self.left <= 0:
                hint = "raise WFGOV_CALL_SECONDS"
                raise EngineUnreachable(f"no time left to {call.what}", where=self._door.where, hint=hint)
            found = self._door.send(call, self.left)
        except (EngineRejected, EngineUnreachable) as exc:
            if not self._wrote:
                raise
            raise OutcomeUnknown(f"half done: {exc}", where=exc.where, hint="observe it before the next try") from exc
        self._wrote = self._wrote or call.retry is Retry.WRITE
        return found


class _TooMuch(Exception):
    """A reply that is too slow or too long."""


def _looks_like(body: bytes) -> str:
    if not body.strip():
        return "an empty reply"
    if body.lstrip()[:1] == b"<":
        return "a page (HTML) where JSON was expected"
    return "a reply that is no JSON of its kind"
