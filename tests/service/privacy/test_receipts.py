"""A receipt is verified by the public key alone, and any change of it is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attendance.config import Settings
from attendance.errors import UserError
from attendance.service.privacy.places import PLACES
from attendance.service.privacy.receipts import receipt_of, verify
from attendance.store.audit.signatures import Signer, read_public_key, to_pem
from attendance.store.crypto import Keys
from attendance.store.tables.privacy import Erasure
from tests.factories import NOON

ERASURE = Erasure(id="e-1", kind="person", subject="u-1", at=NOON, removed={"people": 1}, steps={}, done_at=None)


@pytest.fixture
def receipt(keys: Keys, tmp_path: Path) -> Path:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt_of(ERASURE, Settings(), Signer(keys))))
    (tmp_path / "public.pem").write_text(to_pem(Signer(keys).public))
    return path


def test_a_receipt_says_what_was_removed_where(receipt: Path) -> None:
    found = verify(receipt, read_public_key(receipt.with_name("public.pem")))

    assert (found.state, found.content["rows_removed"]) == ("pending", {"people": 1})
    assert found.content["places"].keys() == PLACES.keys()
    assert found.content["places"]["backups"] == {
        "what": PLACES["backups"].words,
        "how": "ends",
        "state": "ends",
        "by": "2024-06-05",
    }
    assert found.content["places"]["key backups"]["copies_elsewhere_end_by"] == "2024-05-13"


@pytest.mark.parametrize(
    "field", ["receipt", "site", "erased", "random_id", "asked_at", "state", "rows_removed", "key"]
)
def test_any_change_is_found(receipt: Path, field: str) -> None:
    found = json.loads(receipt.read_text())
    found["content"][field] = "changed"
    receipt.write_text(json.dumps(found))

    with pytest.raises(UserError, match=r"signature of .* is not valid"):
        verify(receipt, read_public_key(receipt.with_name("public.pem")))


def test_another_sites_receipt_is_not_ours(receipt: Path) -> None:
    with pytest.raises(UserError, match="another site"):
        verify(receipt, Signer(Keys(bytes(32))).public)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"content": 1}'])
def test_what_is_not_a_receipt_is_refused(receipt: Path, text: str) -> None:
    receipt.write_text(text)

    with pytest.raises(UserError, match="not an erasure receipt"):
        verify(receipt, read_public_key(receipt.with_name("public.pem")))


def test_what_is_not_a_public_key_is_refused(receipt: Path) -> None:
    with pytest.raises(UserError, match="not a public key"):
        read_public_key(receipt)
