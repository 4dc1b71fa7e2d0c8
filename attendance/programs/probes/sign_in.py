"""Attacks on signing in.

In: a scratch site with one operator and one person.  Out: findings.
Does not know: how a secret is kept.
"""

from __future__ import annotations

import secrets
import threading
from time import perf_counter

from attendance.programs.probes.attack import Finding, Probe, Target
from attendance.store.operators import operators
from attendance.store.session import make_engine, sessions
from attendance.store.settings import put

_LOOPS, _WRITES, _FLOOD_S = 6, 20, 6.0
_GUESSED = "guessed"


def pins_against_writes(target: Target) -> Finding:
    """Type wrong PINs in six loops, and write from another program meanwhile, as a door does."""
    stop = threading.Event()

    def guess(number: int) -> None:
        client = target.client()
        while not stop.is_set():
            try:
                client.submit("/me/sign-in", {"number": f"{number}", "pin": "000000"}, "/me/sign-in")
            except OSError:
                return

    loops = [threading.Thread(target=guess, args=(number,), daemon=True) for number in range(_LOOPS)]
    for loop in loops:
        loop.start()
    # As long as a door waits for the lock: half a second is more than anybody stands there for.
    engine = make_engine(target.known.installation.engine.url.render_as_string(hide_password=False), 500)
    factory, failed, slowest = sessions(engine), 0, 0.0
    try:
        for number in range(_WRITES):
            begun = perf_counter()
            try:
                with factory.begin() as session:
                    put(session, "probe", number, target.known.installation.clock.now())
            except Exception:  # whatever kept it from writing
                failed += 1
            slowest = max(slowest, perf_counter() - begun)
            stop.wait(_FLOOD_S / _WRITES)
    finally:
        stop.set()
        engine.dispose()
        for loop in loops:
            loop.join(10)
    words = f"{failed} of {_WRITES} writes of another program failed, the slowest took {slowest * 1000:.0f} ms"
    return Finding(failed == 0 and slowest < 0.5, words)


def copied_cookie(target: Target) -> Finding:
    """Copy an operator's cookie, let the operator sign out, and use the copy."""
    owner = target.client(source="127.0.0.18")
    owner.sign_in(target.known.username, target.known.password)
    thief = target.client(owner.cookies)
    before = thief.get("/people").status
    owner.submit("/logout", {}, "/people")
    after = target.client(thief.cookies).get("/people").status
    return Finding(before == 200 and after == 302, f"before the sign-out {before}, afterwards {after}")


def guessed_password(target: Target) -> Finding:
    """Guess an operator's password in a loop: another operator's, since the account is blocked afterwards."""
    installation = target.known.installation
    hashed = operators.hashed_password(secrets.token_urlsafe(18))
    with installation.sessions.begin() as session:
        if operators.find_by_username(session, _GUESSED) is None:
            operators.create_operator(session, _GUESSED, hashed, role="viewer", at=installation.clock.now())
    stranger = target.client(source="127.0.0.19")
    codes = [stranger.sign_in(_GUESSED, f"guess number {n}").status for n in range(15)]
    seen = codes.index(429) if 429 in codes else len(codes)
    return Finding(0 < seen < len(codes), f"{seen} of {len(codes)} guesses were looked at")


PROBES = (
    Probe("writes", "Six loops type wrong PINs on the web.", pins_against_writes),
    Probe("sessions", "A copied cookie is used after the sign-out.", copied_cookie),
    Probe("passwords", "An operator's password is guessed.", guessed_password),
)
