"""The revisions about signing in, on databases with data."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from attendance.store import migrate
from attendance.store.session import make_engine
from tests.store.revisions import do, rows, to


def test_wrong_pins_that_were_counted_count_on_over_all_places(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0026")
    do(
        engine,
        "INSERT INTO pin_attempts (number_hash, failures, last_at, locked_until) "
        "VALUES ('a', 7, '2024-05-06', '2024-05-07')",
    )
    to(engine, "0027")
    assert rows(engine, "SELECT number_hash, place, failures, locked_until FROM pin_failures") == [("a", "", 7, None)]

    to(engine, "0026", back=True)

    assert rows(engine, "SELECT number_hash, failures FROM pin_attempts") == [("a", 7)]
    engine.dispose()


def test_passages_from_before_keep_counting(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0028")
    do(
        engine,
        "INSERT INTO passages (id, at, camera, granted, reason, model_id, gallery_version, frames, direction) "
        "VALUES ('a', '2024-05-06', 'canteen', 0, 'unknown', '', 0, 0, 'in')",
    )
    to(engine, "0029")
    assert rows(engine, "SELECT id, received_at, late, counter, sequence FROM passages") == [("a", None, 0, None, None)]

    to(engine, "0028", back=True)

    assert rows(engine, "SELECT id FROM passages") == [("a",)]
    engine.dispose()


def test_everybody_signs_in_anew_and_nobody_is_lost(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0027")
    do(
        engine,
        "INSERT INTO operators (id, username, password_hash, role, active, created_at) "
        "VALUES (1, 'ada', 'x', 'admin', 1, '2024-05-06')",
    )
    to(engine, "0028")
    assert rows(engine, "SELECT count(*) FROM sign_ins") == [(0,)]
    to(engine, "0027", back=True)
    assert rows(engine, "SELECT username FROM operators") == [("ada",)]
    engine.dispose()


def test_operators_keep_their_roles_and_departments_when_roles_are_added(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0031")
    operator = "INSERT INTO operators (id, username, password_hash, role, active, created_at) VALUES"
    do(
        engine,
        f"{operator} (1, 'ada', 'x', 'admin', 1, '2024-05-06')",
        f"{operator} (2, 'sam', 'x', 'supervisor', 1, '2024-05-06')",
        "INSERT INTO operator_teams (operator_id, department) VALUES (2, 'Mill')",
    )

    migrate.upgrade(engine, "0032")

    assert rows(engine, "SELECT username, role FROM operators ORDER BY id") == [("ada", "admin"), ("sam", "supervisor")]
    assert rows(engine, "SELECT * FROM operator_teams") == [(2, "Mill")]
    do(engine, f"{operator} (3, 'olga', 'x', 'owner', 1, '2024-05-06')")
    do(engine, f"{operator} (4, 'hal', 'x', 'hr', 1, '2024-05-06')")
    with pytest.raises(IntegrityError):
        do(engine, f"{operator} (5, 'eve', 'x', 'god', 1, '2024-05-06')")

    to(engine, "0031", back=True)

    # A viewer sees more than some of the new roles do, so they wait until somebody gives them an old one.
    assert rows(engine, "SELECT username, role, active FROM operators WHERE id > 2 ORDER BY id") == [
        ("olga", "admin", 1),
        ("hal", "viewer", 0),
    ]
    engine.dispose()


def test_sign_ins_last_over_the_revision_of_second_factors(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0032")
    do(
        engine,
        "INSERT INTO operators (id, username, password_hash, role, active, created_at) "
        "VALUES (1, 'ada', 'x', 'admin', 1, '2024-05-06')",
        SIGN_IN.format(id="a", way="password"),
    )
    to(engine, "0033")
    assert rows(engine, "SELECT id, operator_id, way FROM sign_ins") == [("a", 1, "password")]
    do(engine, SIGN_IN.format(id="b", way="passkey"))
    with pytest.raises(IntegrityError):
        do(engine, SIGN_IN.format(id="c", way="guess"))
    with pytest.raises(IntegrityError):  # the other CHECK is still there
        do(engine, "UPDATE sign_ins SET operator_id = NULL")

    to(engine, "0032", back=True)

    assert rows(engine, "SELECT id FROM sign_ins") == [("a",)]
    engine.dispose()


SIGN_IN = (
    "INSERT INTO sign_ins (id, token_hash, operator_id, way, begun_at, begun_mark, seen_at, seen_mark, proven_at, "
    "proven_mark, address, browser) VALUES ('{id}', '{id}', 1, '{way}', '2024-05-06', '', '2024-05-06', '', "
    "'2024-05-06', '', '', '')"
)


def test_passkeys_come_and_go_and_recovery_codes_of_an_app_stay(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0035")
    operator = "INSERT INTO operators (id, username, password_hash, role, active, created_at) VALUES"
    do(
        engine,
        f"{operator} (1, 'ada', 'x', 'admin', 1, '2024-05-06')",
        f"{operator} (2, 'vera', 'x', 'viewer', 1, '2024-05-06')",
        "INSERT INTO second_factors (operator_id, sealed, begun_at) VALUES (1, 'x', '2024-05-06')",
        "INSERT INTO recovery_codes (code_hash, operator_id) VALUES ('a', 1)",
    )
    to(engine, "0036")
    passkey = "INSERT INTO passkeys (operator_id, credential_id, public_key, sign_count, rp_id, name, added_at) VALUES"
    do(
        engine,
        f"{passkey} (2, 'one', 'k', 4294967295, 'localhost', 'Office', '2024-05-06')",
        "INSERT INTO recovery_codes (code_hash, operator_id) VALUES ('v', 2)",
    )
    with pytest.raises(IntegrityError):
        do(engine, f"{passkey} (1, 'one', 'k', 0, 'localhost', 'again', '2024-05-06')")

    to(engine, "0035", back=True)

    assert rows(engine, "SELECT code_hash, operator_id FROM recovery_codes") == [("a", 1)]
    engine.dispose()


def test_an_operator_of_a_provider_cannot_sign_in_to_an_older_program(tmp_path: Path) -> None:
    """Revision 0034: without its table such an account would look like an administrator with a password."""
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0033")
    operator = "INSERT INTO operators (id, username, password_hash, role, active, created_at) VALUES"
    do(engine, f"{operator} (1, 'ada', 'x', 'admin', 1, '2024-05-06')")
    to(engine, "0034")
    account = "INSERT INTO oidc_accounts (operator_id, issuer, subject) VALUES"
    do(
        engine,
        f"{operator} (2, 'olga', '', 'admin', 1, '2024-05-06')",
        f"{operator} (3, 'otto', '', 'viewer', 1, '2024-05-06')",
        f"{account} (2, 'https://id.example', 's')",
    )
    with pytest.raises(IntegrityError):
        do(engine, f"{account} (3, 'https://id.example', 's')")

    to(engine, "0033", back=True)

    assert rows(engine, "SELECT username, active FROM operators ORDER BY id") == [("ada", 1), ("olga", 0), ("otto", 1)]
    engine.dispose()


def test_operators_keep_what_hangs_on_them_when_the_role_of_programs_is_added(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0036")
    operator = "INSERT INTO operators (id, username, password_hash, role, active, created_at) VALUES"
    do(
        engine,
        f"{operator} (1, 'ada', 'x', 'admin', 1, '2024-05-06')",
        f"{operator} (2, 'sam', 'x', 'supervisor', 1, '2024-05-06')",
        "INSERT INTO operator_teams (operator_id, department) VALUES (2, 'Mill')",
        "INSERT INTO recovery_codes (code_hash, operator_id) VALUES ('a', 1)",
        SIGN_IN.format(id="a", way="password"),
    )

    migrate.upgrade(engine, "0037")

    assert rows(engine, "SELECT department FROM operator_teams") == [("Mill",)]
    assert rows(engine, "SELECT code_hash FROM recovery_codes") == [("a",)]
    assert rows(engine, "SELECT id FROM sign_ins") == [("a",)]
    do(engine, f"{operator} (3, 'payroll', 'x', 'integration', 1, '2024-05-06')")
    with pytest.raises(IntegrityError):
        do(engine, f"{operator} (4, 'eve', 'x', 'god', 1, '2024-05-06')")

    to(engine, "0036", back=True)

    assert rows(engine, "SELECT role, active FROM operators WHERE id = 3") == [("viewer", 0)]
    engine.dispose()
