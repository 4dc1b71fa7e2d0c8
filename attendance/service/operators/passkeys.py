"""Passkeys by Web Authentication: what a browser is asked, and whether its answer holds.

In: the site's host and address, a challenge, a browser's answer as JSON.  Out: options for the browser; `Added` or
`Answered`, None for an answer that does not hold.
Does not know: who may sign in, where passkeys and challenges are kept (store/operators/passkeys.py).
Main choice: py_webauthn checks what the standard has a site check (type, challenge, origin, host, presence,
signature); the sign counter is checked where it is stored, by compare-and-swap.  Attestation is not asked for: which
make of passkey an operator may use is nobody's business here.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)
MAX_ANSWER = 16_384
_TIMEOUT_MS = 180_000


@dataclass(frozen=True, slots=True)
class Party:
    """The site as passkeys know it.  `rp_id`: its host name; `origin`: the address that a browser shows."""

    rp_id: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Added:
    """A new passkey."""

    credential_id: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A passkey's answer that holds.  `user_verified`: it checked a PIN, finger or face, and not a touch only."""

    sign_count: int
    user_verified: bool


def is_installed() -> bool:
    """Return whether the extra `passkeys` is there."""
    return importlib.util.find_spec("webauthn") is not None


def party_of(public_url: str, name: str) -> Party | None:
    """Return the site of this address; None unless it is by https and at a host name."""
    parts = urlsplit(public_url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not host or is_number(host):
        return None
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return Party(host, f"https://{host}{port}", name)


def party_here(port: int, name: str, scheme: str = "http") -> Party:
    """Return the site as a browser of this computer calls it; browsers trust localhost without https."""
    usual = {"http": 80, "https": 443}[scheme]
    return Party("localhost", f"{scheme}://localhost" + ("" if port == usual else f":{port}"), name)


def is_number(host: str) -> bool:
    """Return whether a host is an address in numbers, for which there are no passkeys."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def to_add(party: Party, challenge: bytes, handle: bytes, username: str, known: Sequence[str]) -> dict[str, Any]:
    """Return what a browser is asked to make a passkey.  `known`: ids of those that the operator has already."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    wanted = AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
    )
    options = webauthn.generate_registration_options(
        rp_id=party.rp_id, rp_name=party.name, user_id=handle, user_name=username, user_display_name=username,
        challenge=challenge, timeout=_TIMEOUT_MS, authenticator_selection=wanted,
        exclude_credentials=_described(known),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def to_answer(party: Party, challenge: bytes, known: Sequence[str]) -> dict[str, Any]:
    """Return what a browser is asked to answer.  `known`: ids of passkeys; none: whichever it has for this host."""
    import webauthn

    options = webauthn.generate_authentication_options(
        rp_id=party.rp_id, challenge=challenge, timeout=_TIMEOUT_MS, allow_credentials=_described(known)
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def added(party: Party, challenge: bytes, answer: str) -> Added | None:
    """Return the new passkey of a browser's answer, None if it does not hold."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url

    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.rp_id, expected_origin=party.origin
        )
    except Exception as error:  # whatever a forged answer makes of a parser, it ends as a refusal
        log.warning("a new passkey was refused: %s", type(error).__name__)
        return None
    return Added(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)


def answered(party: Party, challenge: bytes, answer: str, public_key: bytes, handle: bytes) -> Answered | None:
    """Return what a passkey's answer says, None if it does not hold.

    `public_key`: of the passkey that it names; `handle`: of the operator whose passkey that is.
    """
    import webauthn

    try:
        named = json.loads(answer)["response"].get("userHandle")
        if named and webauthn.base64url_to_bytes(named) != handle:
            raise ValueError("the answer is for another operator")
        held = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.rp_id,
            expected_origin=party.origin, credential_public_key=public_key,
            credential_current_sign_count=0,  # compared where it is stored
        )  # fmt: skip
    except Exception as error:  # whatever a forged answer makes of a parser, it ends as a refusal
        log.warning("an answer of a passkey was refused: %s", type(error).__name__)
        return None
    return Answered(held.new_sign_count, held.user_verified)


def id_of(answer: str) -> str:
    """Return the id of the passkey that an answer names, "" if it names none."""
    try:
        found = json.loads(answer)["id"] if len(answer) <= MAX_ANSWER else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and len(found) <= 1400 else ""


def _described(known: Sequence[str]) -> list[Any]:
    from webauthn import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known]
