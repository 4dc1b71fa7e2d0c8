"""Devices on this computer that speak the bytes of the real ones, and hold, delay, refuse, garble and die.

One harness (`Loopback`) listens, and each kind of device says how a request ends and what it answers.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from abc import ABC, abstractmethod
from base64 import b64encode
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from attendance.daemon.doors.network.modbus import crc16

# How a device behaves.  All but "refuse" move the relay before they misbehave, as the worst of them do.
OBEY, REFUSE, HOLD, LATE, GARBLE, DIE, TRICKLE = "obey", "refuse", "hold", "late", "garble", "die", "trickle"
HELD_S = 5  # how long a device that holds its answer, and a whole trickled answer, take at the least


class Loopback(ABC):
    """A device at 127.0.0.1.  `pulses`: seconds of each pulse it was asked for, None where its firmware decides.

    `on`: whether the relay is on; `asked`: how often it was asked to unlock; `inputs`: its input bits.
    """

    def __init__(self, mood: str = OBEY) -> None:
        self.mood = mood
        self.late_s = 0.5
        self.on, self.asked = False, 0
        self.pulses: list[float | None] = []
        self.inputs: dict[int, bool] = {0: False, 1: False}
        self.heard: list[str] = []
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Lose power: the port is closed from now on."""
        self._stop.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()  # wakes the listener
        self._thread.join(2)
        self._listener.close()

    def unlock(self, seconds: float | None, by_itself: bool = True) -> None:
        """Move the relay, which the device lets go again if it ends pulses by itself."""
        self.asked += 1
        if self.mood == REFUSE:
            return
        self.pulses.append(seconds)
        self.on = not by_itself

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            request = self.read(connection)
            if request is None:
                return
            before = self.asked
            answer = self.answer(request)
            if self.asked == before:  # no unlock: such as a challenge, or a look at an input
                connection.sendall(answer)
                return
            match self.mood:
                case "hold":
                    self._stop.wait(HELD_S)
                case "late":
                    self._stop.wait(self.late_s)
                    connection.sendall(answer)
                case "garble":
                    connection.sendall(self.garbled(answer))
                case "die":
                    return
                case "trickle":
                    for byte in answer * 100:
                        connection.sendall(bytes((byte,)))
                        if self._stop.wait(0.05):
                            return
                case _:
                    connection.sendall(answer)

    # --- each kind of device ---

    @abstractmethod
    def read(self, connection: socket.socket) -> Any: ...

    @abstractmethod
    def answer(self, request: Any) -> bytes: ...

    @abstractmethod
    def garbled(self, answer: bytes) -> bytes: ...


class Request:
    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path = unquote(urlsplit(target).path)
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


class HttpLoopback(Loopback):
    """`password`: asks for it if set; `scheme`: "SHA-256", "MD5" or "basic"."""

    def __init__(self, mood: str = OBEY, password: str = "", user: str = "admin", scheme: str = "SHA-256") -> None:
        self.user, self.password, self.scheme = user, password, scheme
        self.nonces: set[str] = set()
        self.seen_counts: set[tuple[str, str]] = set()
        super().__init__(mood)

    def read(self, connection: socket.socket) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += connection.recv(65536)
        method, target, _ = first.split(" ")
        self.heard.append(f"{method} {target}")
        return Request(method, target, headers, body)

    def answer(self, request: Request) -> bytes:
        if self.password and not self._signed_in(request):
            return self._challenge()
        return self.do(request)

    def garbled(self, answer: bytes) -> bytes:
        return reply(200, b"\x00\xff{not json")

    @abstractmethod
    def do(self, request: Request) -> bytes: ...

    def _challenge(self) -> bytes:
        nonce = f"{len(self.nonces):08x}"
        self.nonces.add(nonce)
        line = f'Digest qop="auth", realm="shellypro-1", nonce="{nonce}", algorithm={self.scheme}'
        if self.scheme == "basic":
            line = 'Basic realm="device"'
        return reply(401, b"", {"WWW-Authenticate": line})

    def _signed_in(self, request: Request) -> bool:
        """Compute the digest anew, as RFC 7616 has it; independent of the driver's."""
        given = request.headers.get("authorization", "")
        if self.scheme == "basic":
            return given == "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()
        values = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        if values.get("nonce") not in self.nonces or (values["nonce"], values["nc"]) in self.seen_counts:
            return False
        self.seen_counts.add((values["nonce"], values["nc"]))
        name = "sha256" if self.scheme == "SHA-256" else "md5"

        def h(text: str) -> str:
            return hashlib.new(name, text.encode()).hexdigest()

        ha1, ha2 = h(f"{self.user}:shellypro-1:{self.password}"), h(f"{request.method}:{request.target}")
        wanted = h(f"{ha1}:{values['nonce']}:{values['nc']}:{values['cnonce']}:auth:{ha2}")
        return values["username"] == self.user and values["uri"] == request.target and values["response"] == wanted


def reply(status: int, body: bytes | dict[str, Any], headers: dict[str, str] | None = None) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    lines = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


class ShellyLoopback(HttpLoopback):
    """Generation 2: POST /rpc."""

    def __init__(self, mood: str = OBEY, password: str = "") -> None:
        self.config: dict[str, Any] = {"id": 0, "initial_state": "restore_last", "auto_off": False, "in_mode": "follow"}
        super().__init__(mood, password)

    def do(self, request: Request) -> bytes:
        assert (request.method, request.path) == ("POST", "/rpc")
        call = json.loads(request.body)
        params, result = call["params"], None
        match call["method"]:
            case "Switch.Set":
                assert params["on"] is True
                was_on = self.on
                self.unlock(params["toggle_after"])
                if self.mood != REFUSE:
                    result = {"was_on": was_on}
            case "Switch.GetConfig":
                result = self.config
            case "Switch.SetConfig":
                self.config.update(params["config"])
                result = {"restart_required": False}
            case "Switch.GetStatus":
                result = {"id": params["id"], "output": self.on}
            case "Input.GetStatus":
                result = {"id": params["id"], "state": self.inputs[params["id"]]}
        said = {"result": result} if result is not None else {"error": {"code": -105, "message": "no handler"}}
        return reply(200, {"id": call["id"], "src": "shellypro-1", **said})


class ShellyGen1Loopback(HttpLoopback):
    def __init__(self, mood: str = OBEY, password: str = "") -> None:
        super().__init__(mood, password, scheme="basic")
        self.default_state = "last"

    def do(self, request: Request) -> bytes:
        if request.path == "/relay/0":
            assert request.query["turn"] == "on"
            self.unlock(float(request.query["timer"]))
            if self.mood == REFUSE:
                return reply(400, b"Bad timer!")
            return reply(200, {"ison": True, "has_timer": True, "timer_duration": int(request.query["timer"])})
        if request.path == "/settings/relay/0":
            self.default_state = request.query["default_state"]
            return reply(200, {"default_state": self.default_state, "auto_off": float(request.query["auto_off"])})
        listed = [{"input": int(self.inputs[number])} for number in sorted(self.inputs)]
        return reply(200, {"relays": [{"ison": self.on}], "inputs": listed})


class TasmotaLoopback(HttpLoopback):
    def __init__(self, mood: str = OBEY, old: bool = False) -> None:
        super().__init__(mood)
        self.old, self.pulse_time, self.web_password = old, 0, ""

    def do(self, request: Request) -> bytes:
        if self.web_password and request.query.get("password") != self.web_password:
            return reply(401, {"WARNING": "Need user=<username>&password=<password>"})
        name, _, value = request.query["cmnd"].partition(" ")
        match name:
            case "TimedPower1" if not self.old:
                self.unlock(int(value) / 1000)
                # What it answers to this command differs; a look at the relay follows.
                return reply(200, {"Command": "Error"} if self.mood == REFUSE else {"TimedPower1": "Done"})
            case "Power1" if value == "ON":
                self.unlock(self.pulse_time / 10)
                return reply(200, {"Command": "Error"} if self.mood == REFUSE else {"POWER1": "ON"})
            case "Power1":
                return reply(200, {"POWER1": "ON" if self.pulses else "OFF"})
            case "PulseTime1":
                self.pulse_time = int(value)
                return reply(200, {"PulseTime1": {"Set": self.pulse_time, "Remaining": 0}})
            case "PowerOnState":
                return reply(200, {"PowerOnState": int(value)})
            case "Status":
                return reply(200, {"StatusSNS": {"Switch1": "ON" if self.inputs[1] else "OFF"}})
        return reply(200, {"Command": "Unknown"})


class EsphomeLoopback(HttpLoopback):
    def do(self, request: Request) -> bytes:
        if request.method == "POST" and request.path in ("/button/open/press", "/lock/front/unlock"):
            self.unlock(None)
            return reply(404 if self.mood == REFUSE else 200, b"")
        if request.path in ("/switch/relay/turn_on", "/switch/relay/turn_off"):
            if request.path.endswith("on"):
                self.unlock(None, by_itself=False)
                return reply(404 if self.mood == REFUSE else 200, b"")
            self.on = False
            return reply(200, b"")
        if request.path.startswith("/switch/"):
            return reply(200, {"id": "switch-relay", "state": "ON" if self.on else "OFF", "value": self.on})
        if request.path.startswith("/binary_sensor/"):
            return reply(200, {"state": "ON" if self.inputs[0] else "OFF", "value": self.inputs[0]})
        return reply(200, b"<html></html>")

    def garbled(self, answer: bytes) -> bytes:
        return b"\xff\xfe garbage\r\n\r\n"


class WebLoopback(HttpLoopback):
    """A device of nobody in particular: GET /open; KMTronic's /FF0101 and /FF0100; /status; /moved redirects."""

    def do(self, request: Request) -> bytes:
        match request.path:
            case "/open":
                self.unlock(float(request.query.get("s", "0")) or None)
                return reply(200, {"result": {"code": 3 if self.mood == REFUSE else 0}})
            case "/FF0101":
                self.unlock(None, by_itself=False)
                return reply(403 if self.mood == REFUSE else 200, b"on")
            case "/FF0100":
                self.on = False
                return reply(200, b"off")
            case "/status":
                return reply(200, {"door": "open" if self.inputs[0] else "closed"})
            case "/moved":
                self.asked += 1
                return reply(302, b"", {"Location": f"http://{self.address}/open"})
        return reply(404, b"")

    def garbled(self, answer: bytes) -> bytes:
        return super().garbled(answer) if b"result" in answer else b"HTTP/1.1 OK maybe\r\n\r\n"


class ModbusLoopback(Loopback):
    """A relay board.  `framing`: "rtu" or "tcp"; `flash`: it knows the timed command."""

    def __init__(self, mood: str = OBEY, framing: str = "rtu", flash: bool = True) -> None:
        self.framing, self.flash = framing, flash
        super().__init__(mood)

    def read(self, connection: socket.socket) -> bytes | None:
        size = 8 if self.framing == "rtu" else 12
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            if not more:
                return None
            data += more
        self.heard.append(data.hex(" ").upper())
        return data

    def answer(self, request: bytes) -> bytes:
        if self.framing == "rtu":
            assert crc16(request[:-2]) == request[-2:]
            unit, pdu = request[0], request[1:-2]
        else:
            unit, pdu = request[6], request[7:]
        function, address, value = struct.unpack(">BHH", pdu)
        said = bytes((function | 0x80, 2))
        if function == 5 and address == 0 and value == 0:
            self.on, said = False, pdu
        elif function == 5 and (address == 0 or (address == 0x0200 and self.flash)):
            timed = address == 0x0200
            self.unlock(value / 10 if timed else None, by_itself=timed)
            said = said if self.mood == REFUSE else pdu
        elif function in (1, 2):
            bit = self.on if function == 1 else self.inputs[address]
            said = bytes((function, 1, int(bit)))
        if self.framing == "rtu":
            frame = bytes((unit,)) + said
            return frame + crc16(frame)
        return request[:4] + struct.pack(">HB", len(said) + 1, unit) + said

    def garbled(self, answer: bytes) -> bytes:
        return bytes(byte ^ 0x55 for byte in answer)
