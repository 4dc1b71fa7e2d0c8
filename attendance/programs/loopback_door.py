"""A door's device on this computer: it speaks as a Shelly of generation 2, and notes when it was asked to unlock.

In: POST /rpc; whether its door is open.  Out: pulses with their instants, by `perf_counter`; the contact at input 0.
Does not know: doors, cameras, why it is asked.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter
from typing import Any


class LoopbackDoor:
    """Listens at `address` until `close`.  `pulses`: when each came, and its seconds; `is_open`: set by the caller."""

    def __init__(self) -> None:
        pulses: list[tuple[float, float]] = []
        self.pulses = pulses
        self.is_open = False
        device = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                params: dict[str, Any] = call["params"]
                result: dict[str, Any] = {"id": params["id"], "output": False, "initial_state": "off"}
                if call["method"] == "Switch.Set":
                    pulses.append((perf_counter(), float(params["toggle_after"])))
                    result = {"was_on": False}
                elif call["method"] == "Input.GetStatus":
                    result = {"id": params["id"], "state": device.is_open}
                body = json.dumps({"id": call["id"], "src": "loopback", "result": result}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="loopback door")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
