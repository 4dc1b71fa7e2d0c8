"""Signing in at an OpenID Connect provider: where to send the browser, and who came back.

In: the settings, a code that a browser brought back.  Out: an address; an `Identity`, or a `Refusal`.
Does not know: accounts (store/operators/oidc_accounts.py), cookies, pages.
Main choice: Authlib speaks the protocol (code flow with PKCE, OpenID Connect Core 1.0), and every claim that admits
somebody is named here: issuer, audience, expiry, nonce, signature by a key of the provider.  A role is admitted only
if a value of the roles' claim maps to it.  Trade-off: the provider is asked for its keys anew after an hour.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from attendance.config import Oidc
from attendance.errors import UserError

_TIMEOUT_S = 10.0
_LEEWAY_S = 60
_KEPT = timedelta(hours=1)
# Signatures by the provider's private key only: with a shared secret, or none, others could sign.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# How long ago whoever proves anew may have signed in at the provider.
_FRESH_S = 300


class ProviderFault(UserError):
    """The provider does not answer, or not as the protocol has it."""


class Refusal(StrEnum):
    """Why somebody who came back from the provider is not signed in."""

    NOT_VALID = "not valid"
    NO_ROLE = "no role"
    NO_DEPARTMENT = "no department"
    NAME_TAKEN = "name taken"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser keeps until it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in at the provider.  `role` None: no value of the roles' claim maps to one."""

    issuer: str
    subject: str
    username: str
    role: str | None
    departments: tuple[str, ...]


@dataclass
class Provider:
    """The provider of the settings; keeps what it published about itself for an hour."""

    settings: Oidc
    _metadata: dict[str, Any] = field(default_factory=dict)
    _keys: Any = None
    _read_at: datetime | None = None

    def begin(self, back: str, *, at: datetime, again: bool = False) -> Begun:
        """Return where to send the browser.  `back`: the site's address to come back to.

        `again`: the provider is to ask for the password even if its user is signed in there.
        """
        metadata = self._published(at)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _number in range(3))
        extra = {"prompt": "login", "max_age": 0} if again else {}
        with self._session(back) as session:
            address, _state = session.create_authorization_url(
                metadata["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce, **extra
            )
        return Begun(address, state, nonce, verifier)

    def finish(self, begun: Begun, code: str, back: str, *, at: datetime, again: bool = False) -> Identity | Refusal:
        """Exchange the code and return who signed in; NOT_VALID if its token is not for this sign-in."""
        metadata = self._published(at)
        try:
            with self._session(back) as session:
                token = session.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=begun.verifier, allow_redirects=False
                )
            claims = self._claims(token, begun.nonce, at, again)
        except Exception as error:  # Authlib, joserfc and requests have no common one; none of them signs anybody in
            if _is_network_fault(error):
                raise ProviderFault("the sign-in provider does not answer: sign in with a password") from error
            return Refusal.NOT_VALID
        return self._identity(claims)

    def _claims(self, token: Mapping[str, Any], nonce: str, at: datetime, again: bool) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jwk import KeySet

        try:
            read = jwt.decode(token["id_token"], KeySet.import_key_set(self._keys), algorithms=_ALGORITHMS)
        except (InvalidKeyIdError, ValueError):  # the provider changed its keys within the hour
            self._read_at = None
            self._published(at)
            read = jwt.decode(token["id_token"], KeySet.import_key_set(self._keys), algorithms=_ALGORITHMS)
        wanted = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        about = {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(read.claims, read.header, wanted, about)
        now = int(at.timestamp())
        claims.validate(now=now, leeway=_LEEWAY_S)
        if again and not 0 <= now - int(claims["auth_time"]) + _LEEWAY_S <= _FRESH_S + _LEEWAY_S:
            raise ValueError("the sign-in at the provider is not a fresh one")
        return dict(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        has = _texts(claims.get(self.settings.roles_claim))
        role = next((role for value, role in self.settings.role_map() if value in has), None)
        name = claims.get(self.settings.username_claim) or claims.get("email") or claims["sub"]
        return Identity(
            self.settings.issuer,
            str(claims["sub"])[:255],
            str(name)[:100],
            role,
            tuple(_texts(claims.get(self.settings.departments_claim))) if self.settings.departments_claim else (),
        )

    def _published(self, at: datetime) -> dict[str, Any]:
        """Return what the provider says about itself; ProviderFault if it says nothing, or calls itself otherwise."""
        if self._read_at is not None and abs(at - self._read_at) < _KEPT:
            return self._metadata
        metadata = self._fetched(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.settings.issuer:
            raise ProviderFault("the sign-in provider calls itself otherwise than oidc.issuer: compare the two")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not is_safe(str(metadata.get(name, ""))):
                raise ProviderFault("the sign-in provider gives no %(name)s by https: it cannot be used", name=name)
        self._keys = self._fetched(metadata["jwks_uri"])
        self._metadata, self._read_at = metadata, at
        return metadata

    def _fetched(self, address: str) -> dict[str, Any]:
        import requests

        try:
            answer = requests.get(address, timeout=_TIMEOUT_S, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ProviderFault("the sign-in provider does not answer: sign in with a password") from error
        if answer.status_code != 200 or not isinstance(found, dict):
            raise ProviderFault("the sign-in provider does not answer as it should: check oidc.issuer")
        return found

    def _session(self, back: str) -> Any:
        try:
            from authlib.integrations.requests_client import OAuth2Session
        except ImportError as error:
            raise UserError("[oidc] issuer needs Authlib: pip install 'attendance[oidc]'") from error
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self.settings.client_secret else "none",
            scope=self.settings.scopes,
            redirect_uri=back,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_S,
        )


def is_safe(address: str) -> bool:
    """Return whether an address is by https, or on this computer."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))


def _is_network_fault(error: Exception) -> bool:
    import requests

    return isinstance(error, (ProviderFault, requests.ConnectionError, requests.Timeout))


def _texts(value: Any) -> list[str]:
    """Return a claim's texts: of a list, or of one text."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
