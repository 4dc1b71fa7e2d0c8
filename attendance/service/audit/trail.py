"""Verifying the audit trail with nothing but the site's public key.

In: records (entries, heads, a trailer) as plain values; a public key.  Out: a `Verdict` with every problem found.
Does not know: databases, files.
Main choice: entries are a chain of hashes, heads sign segments of it and hold the signature of the head before, and the
trailer of an export signs where it ends.  So an edit, a deletion, an insertion and another order break a hash or a
signature.  Trade-off: the entries after the newest head are chained and not signed yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from attendance.store.audit.entries import hash_of
from attendance.store.audit.signatures import Signer, verifies

HEAD, REMOVAL, TRAILER = "audit head", "audit removal", "audit export"
_FIELDS = frozenset(
    ["seq", "id", "at", "actor_kind", "actor_name", "source", "action", "subject_kind", "subject_id", "detail"]
)
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems`: what is broken, at most 20; `signed`, `unsigned`, `removed`: how many entries."""

    problems: tuple[str, ...]
    signed: int
    unsigned: int
    removed: int

    @property
    def ok(self) -> bool:
        return not self.problems


def signed_content(head: Record, previous: str) -> dict[str, Any]:
    """Return what the signature of a head is over; `previous`: the signature of the head before, "" for the first."""
    names = ("head", "first", "last", "before", "hash", "signed_at")
    return {**{name: head[name] for name in names}, "previous": previous}


def removal_of(head: Record) -> dict[str, Any]:
    """Return what the signature of a removal is over."""
    return {"head": head["head"], "last": head["last"], "hash": head["hash"], "removed_at": head["removed_at"]}


def trailer_of(signer: Signer, seq: int, last_hash: str, heads: Sequence[Record], at: str) -> dict[str, Any]:
    """Return the signed last line of an export, which says where it ends."""
    content = {"last": seq, "hash": last_hash, "heads": len(heads), "exported_at": at}
    return content | {"signature": signer.sign(TRAILER, content)}


def verify(
    entries: Iterable[Record],
    heads: Sequence[Record],
    public: Ed25519PublicKey,
    trailer: Record | None = None,
    known_heads: Sequence[Record] = (),
) -> Verdict:
    """Compare entries in their order with the signed heads.

    `known_heads`: copies that were kept elsewhere; each must be among `heads`.  Malformed records are problems.
    """
    try:
        return _verified(entries, heads, public, trailer, known_heads)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Verdict((f"a record is malformed ({type(error).__name__}: {error})",), 0, 0, 0)


def _verified(
    entries: Iterable[Record],
    heads: Sequence[Record],
    public: Ed25519PublicKey,
    trailer: Record | None,
    known_heads: Sequence[Record],
) -> Verdict:
    problems = _problems_of_heads(heads, public)
    signatures = {head["head"]: head["signature"] for head in heads}
    problems += [
        f"head {known['head']}, of which a copy was kept, is missing or another one"
        for known in known_heads
        if signatures.get(known["head"]) != known["signature"]
    ]
    ends = {head["last"]: head for head in heads}
    gone = [head for head in heads if head.get("removed_at") is not None]
    number, before = (gone[-1]["last"], gone[-1]["hash"]) if gone else (0, "")
    removed, unsigned, signed = number, 0, heads[-1]["last"] if heads else 0
    for entry in entries:
        if set(entry) != _FIELDS | {"hash"}:
            problems.append(f"entry {entry.get('seq')} has other fields")
        if entry["seq"] != number + 1:
            problems.append(f"after entry {number} comes entry {entry['seq']}")
        fields = {name: value for name, value in entry.items() if name != "hash"}
        if hash_of(fields, before) != entry["hash"]:
            problems.append(f"entry {entry['seq']} was changed, or the one before it")
        number, before = entry["seq"], entry["hash"]
        if (head := ends.get(number)) is not None and head["hash"] != before:
            problems.append(f"entry {number} is not the one that head {head['head']} signed")
        unsigned += number > signed
        if len(problems) > 20:
            break
    if number < signed:
        problems.append(f"entries {number + 1} to {signed} are missing")
    if trailer is not None:
        problems += _problems_of_end(trailer, number, before, len(heads), public)
    return Verdict(tuple(problems[:20]), signed - removed, unsigned, removed)


def _problems_of_heads(heads: Sequence[Record], public: Ed25519PublicKey) -> list[str]:
    problems = []
    number, last, last_hash, previous, kept = 0, 0, "", "", False
    for head in heads:
        name = f"head {head['head']}"
        if (head["head"], head["first"], head["before"]) != (number + 1, last + 1, last_hash):
            problems.append(f"{name} does not follow the one before")
        if not verifies(public, HEAD, signed_content(head, previous), head["signature"]):
            problems.append(f"the signature of {name} is not valid")
        if head.get("removed_at") is None:
            kept = True
        elif kept or not verifies(public, REMOVAL, removal_of(head), head.get("removal") or ""):
            problems.append(f"the entries of {name} were removed by somebody else")
        number, last, last_hash, previous = head["head"], head["last"], head["hash"], head["signature"]
    return problems


def _problems_of_end(trailer: Record, number: int, last: str, heads: int, public: Ed25519PublicKey) -> list[str]:
    content = {name: value for name, value in trailer.items() if name != "signature"}
    if not verifies(public, TRAILER, content, trailer["signature"]):
        return ["the signature of the last line is not valid"]
    if (trailer["last"], trailer["hash"], trailer["heads"]) != (number, last, heads):
        return ["the last line names another end: entries or heads are missing"]
    return []
