"""A door's device of the chaos run: speaks as a Shelly, can hang, lie and die, and judges each unlock it is asked for.

In: POST /rpc; a file that says how to behave; a file in which the door's program announces the passage it asks for.
Out: a ledger, a line for each unlock: which passage, for how long, and whether it was on record before the door moved.
Does not know: which fault is tried.
Main choice: the device looks into the database and the log itself, at the moment at which it is asked, and believes
nobody.  It is a process of its own and outlives the door's program.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attendance.store.access.edge_files import edge_folder, records_of
from attendance.store.crypto import Keys

HANG_S = 0.9  # longer than the shortened time-out of the run
LIES = ("another answer", "not json", "an error page", "a refusal", "nothing")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The files by which the run, the door's program and the device hear of each other."""

    folder: Path

    @property
    def mode(self) -> Path:
        return self.folder / "mode"

    @property
    def announced(self) -> Path:
        return self.folder / "announced"

    @property
    def pulses(self) -> Path:
        return self.folder / "pulses"

    def behave(self, mode: str) -> None:
        draft = self.folder / ".mode"
        draft.write_text(mode)
        draft.replace(self.mode)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the passages of the run lie.  `camera`: the only one."""

    folder: Path
    keys: Keys
    camera: str = "door"

    @property
    def database(self) -> Path:
        return self.folder / "attendance.db"

    def on_record(self, passage: str) -> bool:
        """Return whether this granted passage is in the database or in the log of the time without one."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            query = "SELECT granted FROM passages WHERE id = ?"
            if any(granted for (granted,) in database.execute(query, (passage,))):
                return True
        with suppress(FileNotFoundError):
            content = (edge_folder(self.folder, self.camera) / "passages").read_bytes()
            kept = [one["passage"] for one in records_of(self.keys, self.camera, content).records if "passage" in one]
            return any(one["id"] == passage and one["granted"] for one in kept)
        return False


def start(site: Site, ledger: Ledger) -> tuple[int, str]:
    """Start the device; return its process and address."""
    ledger.behave("well")
    for path in (ledger.announced, ledger.pulses):
        path.touch()
    server = _Server(("127.0.0.1", 0), _handler(site, ledger))
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            server.serve_forever()
        finally:
            os._exit(0)
    address = f"127.0.0.1:{server.server_address[1]}"
    server.socket.close()
    return process, address


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Take no notice: whoever asked was killed, or did not wait."""


def _handler(site: Site, ledger: Ledger) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mode = ledger.mode.read_text()
            if call["method"] == "Switch.Set" and mode != "dead":
                self._unlock(call["params"])
            if mode in ("hang", "dead"):
                time.sleep(HANG_S if mode == "hang" else 0)
                self.close_connection = True
                return
            self._answer(mode, call)

        def _unlock(self, params: dict[str, Any]) -> None:
            """Note the unlock as the lock would see it."""
            lines = ledger.announced.read_text().split()
            passage = lines[-1] if lines else ""
            line = {"passage": passage, "seconds": params.get("toggle_after"), "on_record": site.on_record(passage)}
            with ledger.pulses.open("a") as file:
                file.write(json.dumps(line) + "\n")

        def _answer(self, mode: str, call: dict[str, Any]) -> None:
            number = call["id"] + (1 if mode == "another answer" else 0)
            content: dict[str, Any] = {"id": number, "src": "chaos", "result": {"was_on": False, "output": False}}
            if mode == "a refusal":
                content = {"id": number, "error": {"code": -103, "message": "not me"}}
            body = {"not json": b"<html>", "nothing": b""}.get(mode, json.dumps(content).encode())
            self.send_response(500 if mode == "an error page" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler
