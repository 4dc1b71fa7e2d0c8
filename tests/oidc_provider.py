"""A small OpenID Connect provider on loopback: it speaks the protocol and signs real tokens.

In: what its one user is to be, and what it does wrong.  Out: discovery, keys, the code flow with PKCE.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "attendance-site", "a secret of the provider"


class OidcProvider:
    """`claims`: of the user, over the usual ones; `wrong`: what is done to a token; `now`: its clock."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signing: Any = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {"sub": "user-1", "preferred_username": "grace", "groups": ["door-admins"]}
        self.wrong: dict[str, Any] = {}
        self.now = time.time
        self.asked: list[dict[str, str]] = []
        self.issued_for: dict[str, dict[str, str]] = {}
        self.calls: list[str] = []
        self.issuer = ""

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes back to: the user agrees at once."""
        assert query["response_type"] == "code"
        assert "openid" in query["scope"].split()
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        self.asked.append(query)
        code = secrets.token_urlsafe(16)
        self.issued_for[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"], "iss": self.issuer})

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: the code once, for the client and the verifier that it was made for."""
        query = self.issued_for.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".replace(" ", "+").encode()).decode()
        plain = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if query is None or form.get("redirect_uri") != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if challenge.decode().rstrip("=") != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if authorization not in (wanted, plain):
            return 401, {"error": "invalid_client"}
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"]}
        if "max_age" in query:
            claims["auth_time"] = now
        claims |= self.claims | self.wrong
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm in ("none", "HS256"):
            head, body = (_text(json.dumps(p).encode()) for p in ({"alg": self.algorithm, "kid": "one"}, claims))
            made = hmac.new(self.key.as_pem(private=False), f"{head}.{body}".encode(), hashlib.sha256).digest()
            return f"{head}.{body}.{_text(made) if self.algorithm == 'HS256' else ''}"
        header = {"alg": self.algorithm, "kid": self.signing.kid or "one"}
        return jwt.encode(header, claims, self.signing, algorithms=[self.algorithm])

    def sign_with_another_key(self) -> None:
        self.signing = RSAKey.generate_key(2048, {"kid": "one"})

    def sign_with_the_public_key(self) -> None:
        """The old trick: the public key as a shared secret.  By hand, since no library does it."""
        self.algorithm = "HS256"

    def change_keys(self) -> None:
        self.key = self.signing = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})

    def published(self) -> dict[str, Any]:
        return {
            "issuer": self.wrong.get("published_issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@contextmanager
def running() -> Iterator[OidcProvider]:
    """A provider that answers until the block ends."""
    provider = OidcProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.calls.append(parts.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
            elif parts.path == "/.well-known/openid-configuration":
                self._json(200, provider.published())
            elif parts.path == "/keys":
                self._json(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                self._json(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.calls.append(self.path)
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._json(*provider.token(form, self.headers.get("Authorization", "")))

        def _json(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()
