"""How often somebody may guess: limits that every page which takes a password or a code shares.

In: requests.  Out: decorators for views.
Does not know: passwords and codes; a view answers 401 for a wrong one, or says what it answers instead.
Main choice: one count for an account and one for an address, whatever is guessed at which page, so that nobody gets
new tries by going to another page.  Trade-off: they are in memory and begin anew with the site.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar, cast

from flask import Response

from attendance.web.security import limiter

P = ParamSpec("P")
R = TypeVar("R")


class Limit(Protocol):
    """A decorator of views."""

    def __call__(self, view: Callable[P, R], /) -> Callable[P, R]: ...


def was_wrong(response: Response) -> bool:
    """Return whether a guess failed: only those count."""
    return response.status_code == 401


def plain(username: str) -> str:
    """Return a user name as limits count it."""
    return username[:100].strip().casefold()


of_addresses = cast(
    Limit, limiter.shared_limit("60/hour;12/minute", scope="guesses of an address", deduct_when=was_wrong)
)


def of_accounts(
    username: Callable[[], str],
    exempt_when: Callable[[], bool] | None = None,
    wrong: Callable[[Response], bool] = was_wrong,
) -> Limit:
    """Limit the guesses at one account from everywhere.

    `exempt_when`: such as where its operator is signed in, so that nobody else locks the operator out.
    `wrong`: whether this answer was to a failed guess.
    """
    limit = limiter.shared_limit(
        "30/hour;100/day",
        scope="guesses at an account",
        key_func=lambda: f"account {plain(username())}",
        deduct_when=wrong,
        exempt_when=exempt_when,
    )
    return cast(Limit, limit)
