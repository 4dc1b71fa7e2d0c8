"""What a probe is: one attack on a running site of this computer, and whether the site held.

In: the address of a site; for most probes a scratch site, whose database and secrets the attacker may know.
Out: a `Finding` for each probe.
Does not know: which probes there are (`registry.py`), how a scratch site is made (`scratch.py`).
Main choice: attacks go through real sockets to a real process and never through the test client, because what falls
is often between the two.  Trade-off: a run takes a minute or two.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attendance.bootstrap import Installation
from attendance.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Finding:
    """`held` None: the attack could not be tried; `words` says what was seen, or what is missing."""

    held: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to one request.  `headers`: names in lower case, the last value of each."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class ScratchSite:
    """A site that was made to be attacked, with what its owner knows."""

    folder: Path
    config: Path
    installation: Installation
    process_id: int
    username: str
    password: str
    tablet_token: str
    screen_token: str
    person_id: int
    number: str
    pin: str


@dataclass(frozen=True, slots=True)
class Target:
    """The site under attack.  `scratch` None: a site that somebody uses, which nothing may be written to."""

    host: str
    port: int
    scratch: ScratchSite | None = None

    def client(self, cookies: Mapping[str, str] | None = None, source: str = "") -> Client:
        """Return a browser of its own, with these cookies.  `source`: one of this computer's addresses."""
        return Client(self, dict(cookies or {}), source=source)

    @property
    def known(self) -> ScratchSite:
        """Return the scratch site; the caller runs only where there is one."""
        assert self.scratch is not None
        return self.scratch


@dataclass(slots=True)
class Client:
    """A small browser: it keeps cookies and finds the token of a form."""

    target: Target
    cookies: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    source: str = ""

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request over a connection of its own; OSError if nobody answers in time."""
        sent = {"Host": f"{self.target.host}:{self.target.port}"} | dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        source = (self.source, 0) if self.source else None
        line = http.client.HTTPConnection(self.target.host, self.target.port, self.timeout_s, source)
        try:
            line.request(method, path, body, sent)
            got = line.getresponse()
            reply = Reply(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read(), _cookies(got))
        except http.client.HTTPException as error:
            raise OSError(f"a broken answer: {error!r}") from error
        finally:
            line.close()
        for name, value in reply.cookies.items():
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return reply

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.ask("GET", path, None, headers)

    def submit(self, path: str, fields: Mapping[str, str], page: str = "/login") -> Reply:
        """Post a form with the token that `page` gives."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.get(page).text)
        body = urllib.parse.urlencode({**fields, "csrf_token": found[1] if found else ""}).encode()
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_json(self, path: str, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """Post JSON as a tablet's page does."""
        sent = {"Content-Type": "application/json", "Accept": "application/json", "X-Kiosk": "1"}
        return self.ask("POST", path, json.dumps(value).encode(), sent | dict(headers or {}))

    def sign_in(self, username: str, password: str) -> Reply:
        return self.submit("/login", {"username": username, "password": password})


def _cookies(got: http.client.HTTPResponse) -> dict[str, str]:
    pairs = [line.split(";")[0].partition("=") for line in got.headers.get_all("Set-Cookie") or []]
    return {name.strip(): value.strip().strip('"') for name, _equals, value in pairs}


@dataclass(frozen=True, slots=True)
class Probe:
    """One attack.  `item`: a word for the table; `attack`: what is tried, as a sentence.

    `scratch`: it needs a scratch site, because it writes, or knows a secret.
    """

    item: str
    attack: str
    run: Callable[[Target], Finding]
    scratch: bool = True


def target_of(url: str) -> Target:
    """Return the target of an address; UserError unless it is http on this computer."""
    parts = urllib.parse.urlsplit(url if "//" in url else f"//{url}", scheme="http")
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.port is None:
        raise UserError(f"{url}: give an address of this computer with its port, such as http://127.0.0.1:8000")
    return Target(parts.hostname or "", parts.port)


def attempt(probe: Probe, target: Target) -> Finding:
    """Run one probe; a fault of the probe itself is not a success of the site."""
    if probe.scratch and target.scratch is None:
        return Finding(None, "only against a scratch site: leave the address out")
    try:
        return probe.run(target)
    except OSError as error:
        return Finding(False, f"the site gave no answer: {error}")
