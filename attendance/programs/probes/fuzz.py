"""Fuzzing: broken forms, addresses and files at every page that somebody reaches, for minutes, from a seed.

In: ways to ask a site as each role.  Out: how many answers of each kind; every server error with what caused it.
Does not know: whether the site is a process or a test client.
Main choice: it finds forms by reading pages, as a browser does, and so reaches forms that are written later.  The same
seed and the same site ask the same in the same order.  Trade-off: what needs several right answers in a row is not
reached.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

from attendance.programs.probes.attack import Reply
from attendance.programs.probes.nasty import (
    TEXTS,
    Form,
    broken_address,
    broken_fields,
    broken_file,
    encoded,
    links_and_forms,
    multipart,
)

Ask = Callable[[str, str, bytes | None, Mapping[str, str]], Reply]
MOST_FORMS, MOST_LINKS = 400, 600
# Endings of a session: they would end the run.
_ENDS = re.compile(r"/logout|/sign-out|/leave$|/password|/sign-ins/")
_KIOSK = ("look", "event", "direction", "undo", "tell", "pair", "leave", "state")


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who asks.  `sign_in`: sign in, anew if need be; `start`: the first pages."""

    name: str
    ask: Ask
    sign_in: Callable[[], None]
    start: Sequence[str] = ("/",)
    is_device: bool = False


@dataclass
class Findings:
    """`asked` counts by role and kind of answer; `errors`: role, status, method, address and what was sent."""

    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.asked.values())


@dataclass
class _Known:
    """What one role has found so far."""

    links: list[str]
    forms: list[Form] = field(default_factory=list)
    token: str = ""

    def learn(self, reply: Reply, path: str) -> None:
        if "html" not in reply.headers.get("content-type", ""):
            return
        found = re.search(r'name="csrf-token" content="([^"]+)"', reply.text) or re.search(
            r'name="csrf_token" value="([^"]+)"', reply.text
        )
        self.token = found[1] if found else self.token
        links, forms = links_and_forms(reply.text, path.partition("?")[0])
        for link in links:
            if link not in self.links and len(self.links) < MOST_LINKS:
                self.links.append(link)
        for form in forms:
            if form not in self.forms and len(self.forms) < MOST_FORMS and not _ENDS.search(form.path):
                self.forms.append(form)


def fuzz(everybody: Sequence[Who], seed: int, go_on: Callable[[int], bool]) -> Findings:
    """Ask in turns as everybody while `go_on` (it gets how much was asked) says so."""
    chance, findings = random.Random(seed), Findings()  # noqa: S311  the same seed asks the same
    known = {who.name: _Known(list(who.start)) for who in everybody}
    for who in everybody:
        _sign_in(who, findings)
        for path in who.start:
            _ask(who, known[who.name], findings, "GET", path, None, {})
    while go_on(findings.total):
        who = chance.choice(everybody)
        step = _device_step if who.is_device else _step
        step(who, known[who.name], findings, chance)
    return findings


def _step(who: Who, known: _Known, findings: Findings, chance: random.Random) -> None:
    form = chance.choice(known.forms) if known.forms and chance.random() < 0.6 else None
    if form is None:
        path = chance.choice(known.links)
        _ask(who, known, findings, "GET", path if chance.random() < 0.5 else broken_address(path, chance), None, {})
        return
    fields = broken_fields(form, chance)
    if form.method == "GET":
        _ask(who, known, findings, "GET", f"{form.path.partition('?')[0]}?{encoded(fields)}", None, {})
        return
    fields.append(("csrf_token", known.token))
    path = form.path if chance.random() < 0.9 else broken_address(form.path, chance)
    if form.files:
        files = [(name, *broken_file(chance)) for name in form.files for _one in range(chance.choice((0, 1, 1, 3)))]
        body, kind = multipart(fields, files)
    else:
        body, kind = encoded(fields).encode(), "application/x-www-form-urlencoded"
    _ask(who, known, findings, "POST", path, body, {"Content-Type": kind})


def _device_step(who: Who, known: _Known, findings: Findings, chance: random.Random) -> None:
    """Send a tablet's pictures and JSON, broken."""
    path = f"/kiosk/{chance.choice(_KIOSK)}"
    headers = {"X-Kiosk": "1", "Accept": "application/json", "Content-Type": "application/json"}
    if path.endswith("look"):
        _ask(who, known, findings, "POST", path, broken_file(chance)[1], headers | {"Content-Type": "image/jpeg"})
        return
    values: list[object] = [*TEXTS, None, 0, -1, 1e308, [], {}, [1], {"a": []}, True]
    names = ("event", "sealed", "direction", "choice", "code", "counter", "sequence", "x")
    value = {name: chance.choice(values) for name in chance.sample(names, 4)}
    body = json.dumps(chance.choice([value, value, value, *values[-6:]])).encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        body = broken_file(chance)[1]
    _ask(who, known, findings, chance.choice(("POST", "POST", "GET")), path, body, headers)


def _ask(
    who: Who, known: _Known, findings: Findings, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> None:
    path = re.sub(r"[^!-~]", "", path)  # a request line has no spaces; what is left out is in the query, encoded
    try:
        reply = who.ask(method, path, body, headers)
    except (OSError, HTTPException) as error:
        _note_silence(who, findings, error, f"{method} {path} {_shown(body)}")
        return
    findings.asked[who.name, f"{reply.status // 100}xx"] += 1
    # 503 is an answer: the site is busy, or a file cannot be written, and says so.
    if reply.status >= 500 and reply.status != 503:
        findings.errors.append(f"{who.name}: {reply.status}: {method} {path} {_shown(body)}")
    if reply.status in (301, 302, 303) and re.match(r"(https?://[^/]+)?/(login|me/sign-in)", _location(reply)):
        _sign_in(who, findings)
        known.token = ""
    elif reply.status in (301, 302, 303):
        there = re.sub(r"^https?://[^/]+", "", _location(reply)).partition("#")[0]
        if there.startswith("/") and there not in known.links and len(known.links) < MOST_LINKS:
            known.links.append(there)
    known.learn(reply, path)
    if not known.token and not who.is_device and who.start:
        try:
            known.learn(who.ask("GET", who.start[0], None, {}), who.start[0])
        except (OSError, HTTPException) as error:
            _note_silence(who, findings, error, f"GET {who.start[0]} (for a new token)")


def _sign_in(who: Who, findings: Findings) -> None:
    """Sign in; a site that gives no answer is a finding, and the run goes on."""
    try:
        who.sign_in()
    except (OSError, HTTPException) as error:
        _note_silence(who, findings, error, "signing in")


def _note_silence(who: Who, findings: Findings, error: Exception, asked: str) -> None:
    findings.asked[who.name, "no answer"] += 1
    findings.errors.append(f"{who.name}: no answer ({str(error) or type(error).__name__}): {asked}")


def _location(reply: Reply) -> str:
    return reply.headers.get("location", "")


def _shown(body: bytes | None) -> str:
    return "" if not body else repr(body[:600])
