"""Calls to addresses that people typed: never inside, only where the name led when it was checked."""

import pytest

from members.kit.outside import BadAddress, Unreachable, is_public, post, read_url
from tests.members.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
        "64:ff9b::a00:1", "2002:0a00:0001::1", "2001:db8::1", "2001:0:0a00:1::1", "::10.0.0.1", "fe80::1%eth0", "no",
    ],
)  # fmt: skip
def test_an_address_inside_is_never_called(address):
    assert not is_public(address)
    with pytest.raises(BadAddress):
        post("https://shop.example/", body=b"", headers={}, resolve=lambda _host, _port: [address])
    with pytest.raises(BadAddress):  # one of several is enough
        post("https://shop.example/", body=b"", headers={}, resolve=lambda _host, _port: ["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_an_address_of_the_internet_may_be_called(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "::ffff:10.0.0.1"])
def test_where_loopback_is_allowed_other_addresses_inside_are_not(address):
    assert is_public("127.0.0.1", allow_loopback=True)
    assert is_public("::ffff:127.0.0.1", allow_loopback=True)
    assert not is_public(address, allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "//shop.example/", "shop.example", "",
        "https://", "https://user:word@shop.example/", "https://shop.example:6379/", "https://shop.example:22/",
        "https://shop.example:99999/", "https://shop.example/#part", "https://127.0.0.1/", "https://[::1]/",
        "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://shop.example/\r\nX: y",
        "https://shop.example/a b", "https://[::1", "https://商店.example/", "https://shop.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_that_is_none_of_ours_to_call_is_refused(url):
    with pytest.raises(BadAddress):
        read_url(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_ways_of_writing_this_machine_lead_nowhere(host):
    with pytest.raises((BadAddress, Unreachable)):
        post(f"https://{host}/", body=b"", headers={})


def test_the_call_goes_where_the_name_led_when_it_was_checked(receiver):
    asked = []

    def rebinding(host, port):
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    address = f"http://shop.example:{receiver.port}/hook?x=1"
    reply = post(address, body=b"{}", headers={}, allow_loopback=True, resolve=rebinding)

    assert asked == [("shop.example", receiver.port)]
    assert reply.status == 204
    assert receiver.told[0].headers["host"] == f"shop.example:{receiver.port}"
    assert receiver.told[0].path == "/hook?x=1"
    with pytest.raises(BadAddress):
        post(address, body=b"{}", headers={}, allow_loopback=True, resolve=rebinding)


def test_nobody_listens_is_said_so():
    with receiving() as gone:
        address = gone.address

    with pytest.raises(Unreachable):
        post(address, body=b"", headers={}, allow_loopback=True)
