"""Attacks on the second factor and on the proof before dangerous acts.

In: a scratch site with one operator, whose database the probe may prepare.  Out: findings.
Does not know: how a code is computed, how a proof is asked for.
Main choice: each probe comes from an address of its own on this computer, so that the limits of one do not answer for
another.
"""

from __future__ import annotations

from datetime import timedelta

from attendance.programs.probes.attack import Client, Finding, Probe, Target
from attendance.store.operators import operators, second_factors, sign_ins

_ATTEMPTS = 60


def passwords_of_many(target: Target) -> Finding:
    """Try one common password with many user names, as somebody does who wants any account."""
    stranger = target.client(source="127.0.0.11")
    codes = [stranger.sign_in(f"operator{n}", "Summer-of-2024!").status for n in range(20)]
    seen = codes.index(429) if 429 in codes else len(codes)
    return Finding(429 in codes, f"{seen} of {len(codes)} names were looked at from one address")


def used_code(target: Target) -> Finding:
    """See a code being typed, and type it again in another browser."""
    secret = _with_second_factor(target)
    code = second_factors.code_at(secret, target.known.installation.clock.now())
    owner, thief = (_half_signed_in(target, f"127.0.0.{n}") for n in (12, 13))
    first = owner.submit("/login/code", {"code": code}).status
    again = thief.submit("/login/code", {"code": code}).status
    inside = thief.get("/people").status
    return Finding(
        (first, again, inside) == (302, 401, 302), f"its operator got {first}, whoever saw it {again} and then {inside}"
    )


def guessed_code(target: Target) -> Finding:
    """Know the password and guess codes, with the password again whenever the site asks for it."""
    _with_second_factor(target)
    looked, blocked, n = 0, False, 0
    thief = target.client(source="127.0.0.14")
    while n < _ATTEMPTS and not blocked:
        n += 1
        # Each time from another address, as whoever has many would.
        thief = target.client(thief.cookies, source=f"127.0.1.{n}")
        answer = thief.submit("/login/code", {"code": f"{n:06d}"})
        if answer.status == 302:
            answer = thief.sign_in(target.known.username, target.known.password)
        looked += answer.status == 401
        blocked = answer.status == 429
    return Finding(blocked, f"{looked} codes were looked at before the account was blocked")


def half_signed_in_cookie(target: Target) -> Finding:
    """Copy the cookie between password and code, and use it after the operator typed the code."""
    secret = _with_second_factor(target)
    owner = _half_signed_in(target, "127.0.0.15")
    thief = target.client(owner.cookies, source="127.0.0.16")
    before = thief.get("/people").status
    code = second_factors.code_at(secret, target.known.installation.clock.now())
    owner.submit("/login/code", {"code": code})
    after = target.client(thief.cookies, source="127.0.0.16").get("/people").status
    inside = owner.get("/people").status
    return Finding(
        (before, after, inside) == (302, 302, 200), f"the copy got {before} and {after}, the operator {inside}"
    )


def act_without_proof(target: Target) -> Finding:
    """Add an administrator at a browser that was left signed in: directly, with an empty proof, with a wrong one."""
    _without_second_factor(target)
    left = target.client(source="127.0.0.17")
    left.sign_in(target.known.username, target.known.password)
    installation = target.known.installation
    with installation.sessions.begin() as session:  # half an hour passes
        old = installation.clock.now() - timedelta(minutes=30)
        operator = operators.find_by_username(session, target.known.username)
        assert operator is not None
        for one in sign_ins.list_of(session, operator.id):
            sign_ins.prove(session, one.id, at=old, mark="")
    form = {"username": "eve", "password": "a quite different one", "repeat": "a quite different one", "role": "admin"}
    empty = {"proof_password": "", "proof_target": "/operators", "proof_method": "POST"}
    codes = [
        left.submit("/operators", form, "/people").status,
        left.submit("/operators", form | empty, "/people").status,
        left.submit("/prove", form | empty, "/people").status,
        left.submit("/prove", form | empty | {"proof_password": "wrong"}, "/people").status,
        left.submit("/operators", form, "/people").status,
    ]
    with installation.sessions() as session:
        made = operators.find_by_username(session, "eve") is not None
    return Finding(not made and set(codes) == {401}, f"the site answered {', '.join(map(str, codes))}")


def _half_signed_in(target: Target, source: str) -> Client:
    client = target.client(source=source)
    client.sign_in(target.known.username, target.known.password)
    return client


def _with_second_factor(target: Target) -> str:
    """Give the operator an authenticator app anew and return its secret; no code of it was used."""
    _without_second_factor(target)
    installation = target.known.installation
    at = installation.clock.now()
    with installation.sessions.begin() as session:
        operator = operators.find_by_username(session, target.known.username)
        assert operator is not None
        second_factors.begin(session, installation.keys, operator.id, at=at)
        secret = second_factors.begun(session, installation.keys, operator.id, at=at)
        assert secret is not None
        confirmed = second_factors.code_at(secret, at - timedelta(seconds=second_factors.STEP_S))
        second_factors.confirm(session, installation.keys, operator.id, confirmed, at=at)
    return secret


def _without_second_factor(target: Target) -> None:
    with target.known.installation.sessions.begin() as session:
        operator = operators.find_by_username(session, target.known.username)
        assert operator is not None
        second_factors.remove(session, operator.id)


def _at_the_end(run: Probe) -> Probe:
    """Let a probe leave the operator without a second factor, for the probes after it."""

    def tidy(target: Target) -> Finding:
        try:
            return run.run(target)
        finally:
            _without_second_factor(target)

    return Probe(run.item, run.attack, tidy)


PROBES = (
    Probe("proof", "A dangerous act is posted directly at a browser that was left signed in.", act_without_proof),
    _at_the_end(Probe("replay", "A code that was seen is typed again.", used_code)),
    _at_the_end(Probe("fixation", "A cookie from between password and code is used.", half_signed_in_cookie)),
    Probe("spraying", "One password is tried with many user names.", passwords_of_many),
    _at_the_end(Probe("codes", "Codes are guessed by somebody who knows the password.", guessed_code)),
)
