"""How names are ordered and found: Ä beside A, Łukasz among L, Yıldız by «yildiz», O’Brien by «obrien».

In: texts.  Out: keys to sort by, texts to search in.
Does not know: databases, languages, pages.
Main choice: letters without their marks, then the text itself, as dictionaries do (DIN 5007-1), and the same
everywhere.  Trade-off: a language that puts Å after Z finds it beside A; a collation by language needs ICU.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Letters that Unicode does not take apart into a letter and a mark.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ĸ": "k"}
)


def composed(text: str) -> str:
    """Return the text with each letter and its marks as one character where Unicode has it (NFC).

    «Zoë» from one computer has three characters and from another four: stored as they came, they would be two people.
    """
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=1 << 15)  # the same names in every report
def folded(text: str) -> str:
    """Return the text in lower case without marks on letters, for comparison: «Yıldız» becomes «yildiz»."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_PLAIN)


def sort_key(text: str) -> tuple[str, str]:
    """Return what to sort by: «Ärmel» stands between «Arm» and «Arnold», after «Armel»."""
    return folded(text), text


# Typed in many ways, or left out: O'Brien, O’Brien, OBrien.
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼ`´"))


def matches(wanted: str, *texts: str) -> bool:
    """Return whether every word of `wanted` is in one of the texts, whatever case, marks of letters and apostrophes."""
    whole = "\n".join(map(folded, texts)).translate(_APOSTROPHES)
    return all(word in whole for word in folded(wanted.translate(_APOSTROPHES)).split())
