"""The address of an engine: where it answers, and nothing that is secret or leads elsewhere."""

import ipaddress
import re
from typing import Final

from wfgov_dagster.errors import InvalidInput

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?"
)
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_METADATA: Final = frozenset({"metadata", "metadata.google.internal", "fd00:ec2::254"})
_LONGEST: Final = 500
_EXAMPLE: Final = "for example https://scheduler.example.com:12345/dolphinscheduler"


def address(url: str) -> str:
    """The URL without a slash at its end. Raises InvalidInput, which does not repeat what may be a credential.

    Link-local and metadata addresses are refused: a server there knows secrets of this machine. Private ones are where
    engines are. What a host name leads to is the client's to check, when it connects.
    """
    if "@" in url:
        raise _bad("it holds a user or a password", "the token is given by --token-env or --token-stdin")
    if "?" in url or "#" in url:
        raise _bad("it has parameters or a fragment", _EXAMPLE)
    found = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    if found is None:
        raise _bad("it is no http or https URL of a server", _EXAMPLE)
    if found["port"] is not None and not 0 < int(found["port"]) < 65_536:
        raise _bad(f"there is no port {found['port']}", _EXAMPLE)
    _check_host(found["host"].lower())
    return url.removesuffix("/")


def _check_host(host: str) -> None:
    literal = host.startswith("[")
    if not literal and host.rstrip(".") in _METADATA:
        raise _bad(f"{host} tells secrets of the machine", "the server of the engine")
    if not literal and not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return
    try:
        ip = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise _bad(f"{host} is no address", "write an IPv4 address as four decimal numbers") from None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    odd = ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback)
    if odd or ip.compressed in _METADATA:
        raise _bad(f"{host} is no address of a server", "a link-local address may be the machine's own metadata")


def _bad(why: str, hint: str) -> InvalidInput:
    return InvalidInput(why, where="url", hint=hint)
