"""Operators by the command line."""

from __future__ import annotations

import re

from tests.cli.conftest import Here


def test_a_new_token_ends_the_old_one(here: Here) -> None:
    first = re.findall(r"token .*: (\S+)", here.good("init"))[0]
    second = re.findall(r"token .*: (\S+)", here.good("operators", "reset", "--hours", "1"))[0]

    assert first != second
    assert here.count("setup_tokens") == 1


def test_operators_are_added_listed_and_given_another_role(here: Here) -> None:
    here.good("init")
    add = ("operators", "add", "Sue", "--role", "supervisor", "--department")
    assert "the departments are none so far" in here.refused(*add, "Lab")
    here.good("demo-data", "--people", "6", "--days", "1")
    made = here.good(*add, "Shop", "--staff-number", "10001", typed="correct horse battery\n" * 2)
    assert "sue can sign in as supervisor" in made
    assert "Shop" in here.good("operators", "list")
    role = ("operators", "role", "sue", "--role")
    assert "nobody has the staff number 9" in here.refused(*role, "viewer", "--staff-number", "9")
    assert "choose one or more" in here.refused(*role, "supervisor")
    assert "there is no operator eve" in here.refused("operators", "role", "eve", "--role", "viewer")

    here.good(*role, "viewer")

    assert "Shop" not in here.good("operators", "list")
