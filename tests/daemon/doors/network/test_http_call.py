"""One HTTP call: signing in, certificates, redirects, and the time-out of the whole."""

from __future__ import annotations

import datetime
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from attendance.daemon.doors.drivers import door_of
from attendance.daemon.doors.network import http_call
from attendance.daemon.doors.network.http_call import HttpDevice
from attendance.daemon.sign_in import SignIn, digest
from attendance.service.ports import DoorFault, DoorUnknown, PulseOutcome
from tests.daemon.doors.loopback import OBEY, ShellyLoopback, WebLoopback, reply

# RFC 7616, 3.9.1.
CHALLENGE = {
    "realm": "http-auth@example.org",
    "qop": "auth, auth-int",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_digest_is_that_of_the_standards_example(algorithm: str, response: str) -> None:
    sign_in = SignIn("digest", "Mufasa", "Circle of Life")
    header = digest({**CHALLENGE, "algorithm": algorithm}, sign_in, "GET", "/dir/index.html", 1, CNONCE)

    assert f'response="{response}"' in header
    assert "nc=00000001" in header
    assert "Circle" not in header


@pytest.mark.parametrize("scheme", ["SHA-256", "MD5", "basic"])
def test_what_the_device_asks_for_is_answered_and_the_second_call_is_not_challenged(scheme: str) -> None:
    device = WebLoopback(password="s3cret", scheme=scheme)
    caller = HttpDevice(device.address, SignIn("asked", "admin", "s3cret"))
    try:
        assert [caller.call("GET", "/open").status for _ in range(2)] == [200, 200]
        assert (device.asked, len(device.heard)) == (2, 3)
    finally:
        device.close()


def test_a_wrong_password_is_refused_and_the_door_stays_shut() -> None:
    device = ShellyLoopback(password="s3cret")
    door = door_of("front", "shelly", {"address": device.address, "password": "wrong"})
    try:
        pulse = door.unlock(3)
        assert (pulse.outcome, device.asked) == (PulseOutcome.REFUSED, 0)
        assert "refuses the user name or password" in pulse.detail
    finally:
        device.close()


def test_a_redirect_is_not_followed() -> None:
    device = WebLoopback()
    door = door_of("front", "http", {"url": f"http://{device.address}/moved"})
    try:
        pulse = door.unlock(3)
        assert pulse.outcome is PulseOutcome.UNKNOWN
        assert "redirect" in pulse.detail
        assert device.heard == ["GET /moved"]
    finally:
        device.close()


def test_an_answer_that_is_far_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "MOST_BYTES", 1000)
    device = WebLoopback(OBEY)
    monkeypatch.setattr(device, "do", lambda request: reply(200, b"x" * 100_000))
    try:
        with pytest.raises(DoorUnknown):
            HttpDevice(device.address).call("GET", "/long")
    finally:
        device.close()


@pytest.mark.long
def test_the_whole_call_ends_after_two_seconds_whatever_the_device_does() -> None:
    device = ShellyLoopback("trickle")
    try:
        begun = monotonic()
        pulse = door_of("front", "shelly", {"address": device.address}).unlock(3)
        assert pulse.outcome is PulseOutcome.UNKNOWN
        assert "within 2 s" in pulse.detail
        assert 1.9 < monotonic() - begun < 4.5  # the device itself would trickle for minutes
    finally:
        device.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A self-signed certificate with its key, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unifi")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.fixture
def tls_device(certificate: tuple[Path, str]) -> Iterator[tuple[int, list[bytes]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[0])
    listener, heard = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    if asked := wrapped.recv(1000):
                        heard.append(asked)
                        wrapped.sendall(reply(200, b"{}"))
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(2)


def test_only_the_certificate_that_the_settings_name_is_spoken_to(
    tls_device: tuple[int, list[bytes]], certificate: tuple[Path, str]
) -> None:
    port, heard = tls_device
    base, right = f"https://127.0.0.1:{port}", certificate[1]
    shown = ":".join(right[at : at + 2] for at in range(0, 64, 2)).upper()
    assert HttpDevice(base, fingerprint=shown).call("GET", "/").status == 200
    heard.clear()
    with pytest.raises(DoorFault, match="another certificate"):
        HttpDevice(base, SignIn("bearer", "", "token"), "ab" * 32).call("GET", "/")
    with pytest.raises(DoorFault, match="cannot be reached"):
        HttpDevice(base, SignIn("bearer", "", "token")).call("GET", "/")
    assert heard == [], "the token was not sent"
