"""Calls to addresses that people typed: only to public ones, only where the name led when it was checked, not for long.

The name is resolved once, every address it has must be public, and the connection goes to one of those: a name that
leads elsewhere a moment later (DNS rebinding) leads nowhere. Redirects are answers, and are not followed.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed

SECONDS = 15  # for the connection, and for the question with its answer
LONGEST_URL = 500
CUT = 1_000  # bytes of an answer that are read
PORTS = {443, 8443}
INSIDE_IPV6 = [ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")]

Resolve = Callable[[str, int], Sequence[str]]


class BadAddress(Malformed):
    """The address cannot be called."""

    code = "bad_address"
    sentence = _("This address cannot be called: %(why)s.")


class Unreachable(Exception):
    """There was no answer; says why: "late", "no_name", or what went wrong by its name."""


@dataclass(frozen=True)
class Reply:
    """What the other side answered: the status, the headers in lower case, the beginning of the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def resolve_name(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. Raises Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("no_name") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(text: str, *, allow_loopback: bool = False) -> bool:
    """Whether an IP address is one of the open internet, whatever it is wrapped in."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in each for each in INSIDE_IPV6):
            return False
    if allow_loopback and address.is_loopback:
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def read_url(text: str, *, allow_loopback: bool = False) -> SplitResult:
    """The parts of an address that may be called, as far as can be told without asking for its name.

    Raises BadAddress. With `allow_loopback` also http, and every port.
    """
    if not 0 < len(text) <= LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise BadAddress(why=_("it has to be 1 to 500 plain characters"))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress(why=_("it cannot be read")) from None
    if parts.scheme != "https" and not (allow_loopback and parts.scheme == "http"):
        raise BadAddress(why=_("it has to begin with https://"))
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise BadAddress(why=_("it needs a host, and neither a user nor a # part"))
    if port is not None and port not in PORTS and not allow_loopback:
        raise BadAddress(why=_("only the ports 443 and 8443 are called"))
    if is_number(parts.hostname) and not is_public(parts.hostname, allow_loopback=allow_loopback):
        raise BadAddress(why=_("it leads inside, not to the internet"))
    return parts


def is_number(host: str) -> bool:
    """Whether a host is an IP address already."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow_loopback: bool = False,
    resolve: Resolve = resolve_name,
    seconds: float = SECONDS,
) -> Reply:
    """Post a body and read the beginning of the answer. Raises BadAddress, or Unreachable without an answer in time."""
    parts = read_url(url, allow_loopback=allow_loopback)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    place = check_places(resolve(host, port), allow_loopback=allow_loopback)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = Pinned(host, port, place=place, is_secure=parts.scheme == "https", seconds=seconds)
    over = threading.Timer(seconds, connection.cut)
    over.daemon = True
    over.start()
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        said = answer.read(CUT)
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, said.decode(errors="replace").replace("\x00", ""))
    except (OSError, HTTPException, ValueError) as problem:
        late = connection.is_cut or isinstance(problem, TimeoutError)
        raise Unreachable("late" if late else type(problem).__name__) from None
    finally:
        over.cancel()
        connection.close()


def check_places(places: Sequence[str], *, allow_loopback: bool) -> str:
    """The first address of a name of which all are public. Raises BadAddress or Unreachable."""
    if not places:
        raise Unreachable("no_name")
    if not all(is_public(place, allow_loopback=allow_loopback) for place in places):
        raise BadAddress(why=_("it leads inside, not to the internet"))
    return places[0]


class Pinned(HTTPConnection):
    """A connection to an address that was checked, under the name that was asked for; cut when its time is up."""

    def __init__(self, host: str, port: int, *, place: str, is_secure: bool, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self.place, self.is_secure, self.is_cut = place, is_secure, False
        self.default_port = 443 if is_secure else 80

    def connect(self) -> None:
        self.sock: Any = socket.create_connection((self.place, self.port), timeout=self.timeout)
        if self.is_cut:  # the connection alone took all the time there is
            raise TimeoutError
        if self.is_secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self) -> None:
        """End it from another thread; whoever reads finds the end."""
        self.is_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
