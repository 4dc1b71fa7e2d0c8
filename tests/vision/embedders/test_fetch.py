"""`weights get` and `weights list` against a server on this computer."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.vision.embedders import catalogue, fetch
from attendance.vision.embedders.catalogue import Known
from attendance.vision.runtime import open_session
from attendance.vision.weights import Preprocess, load_card, verify
from tests.cli.conftest import Here, here  # noqa: F401 (a fixture)
from tests.factories import NOON
from tests.vision import networks
from tests.vision.embedders.small_network import DIM, SIDE, Small

TODAY = NOON.date()


@dataclass
class Makers:
    """The makers' server: files by path, addresses that lead elsewhere, what was asked for.

    `promised`: the length that it announces, None: it announces none.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    promised: int | None = None
    drips: str = ""  # "headers" or "body": one byte now and then, for ever
    gone: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def makers() -> Iterator[Makers]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            if there.drips:
                self.wfile.write(b"HTTP/1.0 200 OK\r\n" + {"headers": b"X-Slow: ", "body": b"\r\n"}[there.drips])
                with suppress(OSError):
                    while not there.gone.wait(0.02):
                        self.wfile.write(b"a")
            elif self.path in there.moved:
                self.send_response(302)
                self.send_header("Location", there.moved[self.path])
                self.end_headers()
            elif self.path in there.files:
                self.send_response(200)
                if there.promised is not None:
                    self.send_header("Content-Length", str(there.promised))
                self.end_headers()
                self.wfile.write(there.files[self.path])
            else:
                self.send_error(404)

        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there = Makers(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield there
    there.gone.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def known(makers: Makers) -> Known:
    data = makers.files["/small.espdl"] = Small().file()
    return Known(
        "small",
        "a small network",
        f"{makers.address}/small.espdl",
        len(data),
        hashlib.sha256(data).hexdigest(),
        "espdl",
        DIM,
        Preprocess("RGB", 127.5, 127.5),
        "MIT (nobody).",
        "LFW 12 %",
        "",
        input_size=SIDE,
    )


def test_a_fetched_network_has_a_card_with_its_terms_and_answers(known: Known, tmp_path: Path) -> None:
    fetch.get(known, tmp_path, None, TODAY)
    card = load_card(tmp_path, "small")
    verify(card, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.json", "small.onnx"]
    assert "MIT (nobody)" in card.terms and known.url in card.terms and known.sha256 in card.terms
    assert card.metrics == {"published": "LFW 12 %", "measured": "not tried here"} and card.operating_points == {}
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    found = open_session(card, tmp_path).run(x)["embedding"]
    assert np.allclose(found, Small().answer(x), rtol=1e-3, atol=1e-2)


def test_a_changed_a_short_an_endless_and_a_missing_file_leave_the_folder_as_it_was(
    known: Known, makers: Makers, tmp_path: Path
) -> None:
    good = makers.files["/small.espdl"]
    for served, says in (
        (good[:-1] + bytes([good[-1] ^ 1]), "SHA-256 is not that of small"),
        (good[:-5], rf"{len(good) - 5:,} came"),
        (good + bytes(1_000_000), "or more came"),
    ):
        makers.files["/small.espdl"] = served
        with pytest.raises(UserError, match=says):
            fetch.get(known, tmp_path / "weights", None, TODAY)
    del makers.files["/small.espdl"]
    with pytest.raises(UserError, match=r"answers 404 .* --from"):
        fetch.get(known, tmp_path / "weights", None, TODAY)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_full_disk_and_a_folder_that_cannot_be_made_leave_nothing_behind(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for where, name in ((os, "fsync"), (Path, "write_bytes"), (Path, "write_text")):
        with monkeypatch.context() as patched:  # while it comes, while it is converted, while the card is written
            patched.setattr(where, name, full)
            with pytest.raises(UserError, match=r"small cannot be written to .*: No space left"):
                fetch.get(known, folder, None, TODAY)
        assert list(folder.iterdir()) == []
    fetch.get(known, folder, None, TODAY)

    (tmp_path / "file").write_text("no folder")
    for wrong in (tmp_path / "file", tmp_path / "file" / "weights"):
        with pytest.raises(UserError, match=f"small cannot be written to {wrong}"):
            fetch.get(known, wrong, None, TODAY)


def test_a_connection_that_breaks_off_is_no_network(known: Known, makers: Makers, tmp_path: Path) -> None:
    makers.promised = known.size
    makers.files["/small.espdl"] = makers.files["/small.espdl"][: known.size // 2]
    with pytest.raises(UserError, match=rf"{known.size:,} bytes, but {known.size // 2:,} came; fetch the file"):
        fetch.get(known, tmp_path, None, TODAY)
    makers.moved = {"/round": "/round"}
    with pytest.raises(UserError, match=r"answers 302 .*--from"):
        fetch.get(known, tmp_path, f"{makers.address}/round", TODAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("drips", ["headers", "body"])
def test_a_server_that_sends_byte_after_byte_is_given_up(
    known: Known, makers: Makers, tmp_path: Path, drips: str
) -> None:
    makers.drips = drips
    begun = monotonic()
    with pytest.raises(UserError, match=r"whole file within 0.01 minutes; .* --minutes, or .* --from"):
        fetch.get(known, tmp_path / "weights", None, TODAY, limit_s=0.6)

    assert monotonic() - begun < fetch.TIMEOUT_S / 2  # not one of the waits ended it
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_file_from_elsewhere_will_do_if_it_is_the_same(known: Known, makers: Makers, tmp_path: Path) -> None:
    stick = tmp_path / "stick.espdl"
    stick.write_bytes(makers.files["/small.espdl"])
    fetch.get(known, tmp_path / "weights", str(stick), TODAY)
    assert makers.asked == [] and (tmp_path / "weights" / "small.onnx").exists()

    with pytest.raises(UserError, match="add --replace"):
        fetch.get(known, tmp_path / "weights", str(stick), TODAY)
    fetch.get(known, tmp_path / "weights", str(stick), TODAY, replace=True)
    with pytest.raises(UserError, match="cannot read"):
        fetch.get(replace(known, name="other"), tmp_path / "weights", str(tmp_path / "no"), TODAY)


def test_plain_http_to_another_computer_is_refused_also_after_a_redirect(
    known: Known, makers: Makers, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="not an https address"):
        fetch.get(known, tmp_path, "http://192.0.2.1/small.espdl", TODAY)
    for broken in ("https://[::1", "https://127.0.0.1:x/", "https://127.0.0.1/ä", "https:///small.espdl"):
        with pytest.raises(UserError, match=r"cannot be fetched: .* --from"):
            fetch.get(known, tmp_path, broken, TODAY)
    makers.moved = {"/far": "http://192.0.2.1/small.espdl", "/near": "/small.espdl"}
    with pytest.raises(UserError, match="not an https address"):
        fetch.get(known, tmp_path, f"{makers.address}/far", TODAY)
    assert fetch.get(known, tmp_path, f"{makers.address}/near", TODAY).model_id == "small"


def test_another_computer_cannot_lead_to_this_one() -> None:
    """Else a hostile server could make this computer ask its own programs for something."""
    far = urllib.request.Request("https://models.example/small.espdl")
    near = urllib.request.Request("http://127.0.0.1:8000/small.espdl")
    handler = fetch._SafeRedirects()
    for there in ("http://127.0.0.1:8000/unlock", "https://localhost/unlock", "http://[::1]/unlock"):
        with pytest.raises(UserError, match="on this computer"):
            handler.redirect_request(far, io.BytesIO(), 302, "Found", HTTPMessage(), there)
    moved = handler.redirect_request(near, io.BytesIO(), 302, "Found", HTTPMessage(), "http://127.0.0.1:8000/other")
    assert moved is not None and moved.full_url.endswith("/other")


def test_a_pipe_is_refused_and_not_waited_for(known: Known, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UserError, match="is not a file"):
            fetch.get(known, tmp_path, str(source), TODAY)


def test_a_network_with_another_answer_than_stated_is_not_kept(known: Known, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"gave {DIM} numbers instead of 7"):
        fetch.get(replace(known, dim=7), tmp_path, None, TODAY)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_list_fetch_and_say_what_changing_means(
    here: Here,  # noqa: F811
    known: Known,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(catalogue.KNOWN, "small", known)
    listed = here.good("weights", "list")
    assert "sface-2021dec" in listed and "Apache-2.0" in listed and "nothing; we could not try it" in listed

    said = here.good("weights", "get", "small")
    assert "MIT (nobody)" in said and "models.recogniser = small" in said
    assert f"templates of {networks.RECOGNISER} cannot be compared" in said and "until then nobody is let in" in said
    assert "small  fetched" in here.good("weights", "list")
    assert here.good("weights", "verify").count("good") == 3
    assert "choose one of" in here.refused("weights", "get", "unknown")
