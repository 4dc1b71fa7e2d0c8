"""Passwords that are guessed first, however long they are.

In: a password, the names of whoever chooses it.  Out: whether it is one of those.
Does not know: how a password is kept, how often one may be tried.
Main choice: no rule about kinds of characters (NIST SP 800-63B).  A password is refused if nothing is left of it
without common words, the chooser's own names, and rows of digits or keys.  Trade-off: the words are a short list of
what leads every list of leaked passwords, and not the millions behind them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection

_WORDS = sorted(
    {
        "password", "passwort", "passwd", "motdepasse", "contrasena", "kennwort", "geheim", "secret", "qwertyuiop",
        "qwerty", "qwertz", "azerty", "asdfghjkl", "asdfgh", "yxcvbnm", "zxcvbnm", "letmein", "welcome", "willkommen",
        "bienvenue", "iloveyou", "administrator", "admin", "root", "login", "access", "attendance", "changeme",
        "change", "default", "test", "demo", "user", "guest", "master", "monkey", "dragon", "football", "baseball",
        "basketball", "superman", "batman", "princess", "sunshine", "shadow", "michael", "jordan", "liverpool",
        "chelsea", "arsenal", "bayern", "summer", "winter", "spring", "autumn", "sommer", "fruehling", "herbst",
        "january", "february", "march", "april", "june", "july", "august", "september", "october", "november",
        "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "company", "office",
        "hello", "hallo", "trustno", "starwars", "pokemon", "computer", "internet", "google", "facebook", "samsung",
        "iphone", "abc", "the", "my", "is", "new", "one", "two", "me", "in", "for", "and",
    },
    key=len,
    reverse=True,
)  # fmt: skip
_LOOKS = str.maketrans("@4310$5!7", "aaeiossit")
_LEAST_LEFT = 6  # letters or digits beside all that


def is_weak(password: str, names: Collection[str] = ()) -> bool:
    """Return whether little is left of the password without common words, these names, and rows and repetitions."""
    plain = password.casefold()
    return min(_left(plain, names), _left(plain.translate(_LOOKS), names)) < _LEAST_LEFT


def _left(text: str, names: Collection[str]) -> int:
    own = [part for name in names for part in re.split(r"[\W_]+", name.casefold()) if len(part) >= 3]
    for word in [*sorted(own, key=len, reverse=True), *_WORDS]:
        text = text.replace(word, " ")
    text = re.sub(r"\d+", lambda found: " " if _is_row(found[0]) else found[0], text)
    text = re.sub(r"(.{1,4}?)\1{2,}", r"\1", text)  # the same again and again
    letters = re.sub(r"[\W_]", "", text)
    return 0 if letters.isdigit() and len(letters) < 10 else len(letters)


def _is_row(digits: str) -> bool:
    """Return whether these are a year, a row or a repetition, such as 2024, 123456 or 1111."""
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(digits)}
    return len(digits) <= 4 or len(set(digits)) == 1 or steps <= {1} or steps <= {9}
