"""The lock file of the base install: whole, with hashes, and without the address of any index."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import needs
from tests.architecture.sources import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", LOCK, re.MULTILINE))


def test_every_package_of_the_base_install_is_pinned_to_a_version_that_is_allowed() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]

    for requirement in wanted:
        name, least = re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)(?:,<[0-9.]+)?", requirement).groups()
        assert name in PINNED, f"{name} is not in requirements.lock: make lock"
        assert numbers(PINNED[name]) >= numbers(least), f"{name} is older than {least}: make lock"


def test_every_pin_has_hashes_and_no_index_is_named() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + LOCK.split("\n", 2)[2])

    assert len(PINNED) > 30
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks if block.strip())
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links|--trusted-host", LOCK)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def made(target: str, tmp_path: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """`make target` in a copy of what it reads, with these programs in place of those of the environment."""
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "manage.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "attendance").mkdir()
    (tmp_path / "attendance" / "__init__.py").write_text('"""A package."""\n')
    for program in (Path(sys.executable).parent).iterdir():
        if program.name not in programs:
            (venv / "bin" / program.name).symlink_to(program)
    for name, script in programs.items():
        (venv / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
        (venv / "bin" / name).chmod(0o755)
    for stamp in (".base", ".demo", ".docs", ".test"):  # everything is installed
        (venv / stamp).touch()
    return subprocess.run(["make", target], cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("audit", "code", "words"),
    [
        ("echo 'No known vulnerabilities found'", 0, "none with a known weakness"),
        ("echo 'Found 1 known vulnerability in 1 package'; echo 'flask 3.1.0 PYSEC-1 3.1.1'; exit 1", 2, "PYSEC-1"),
        ("echo 'requests.exceptions.ConnectionError' >&2; exit 1", 0, "not checked"),
        ("echo 'x Dependency not found on PyPI and could not be audited: x'", 0, "1 not checked"),
    ],
)
def test_the_check_of_packages_fails_for_a_known_weakness_only(
    tmp_path: Path, audit: str, code: int, words: str
) -> None:
    """The program of advisories is one that answers so: its service is far away."""
    needs.program("make", install="apt-get install make")
    done = made("supply", tmp_path, **{"pip-audit": audit, "bandit": "exit 0"})

    assert done.returncode == code, done.stderr
    assert words in done.stdout


@pytest.mark.long
def test_pip_audit_finds_a_weak_package_in_a_database_of_advisories(tmp_path: Path) -> None:
    """The real program, asked about one pin, against a database on this computer that knows a weakness of it."""
    advisory = {
        "id": "PYSEC-0000-1", "aliases": ["CVE-0000-1"], "summary": "made up", "details": "made up",
        "fixed_in": ["3.9.9"], "link": "https://example.org", "source": "made", "withdrawn": None,
    }  # fmt: skip
    package = {"info": {"version": "3.1.0"}, "releases": {}, "urls": [], "vulnerabilities": [advisory]}
    lock = tmp_path / "requirements.lock"
    lock.write_text("flask==3.1.0 --hash=sha256:" + "0" * 64 + "\n")
    program = (
        "import json, sys, requests\n"
        "from pip_audit._service import pypi\n"
        "class Answer:\n"
        "    ok, status_code, headers = True, 200, {}\n"
        "    def raise_for_status(self): pass\n"
        f"    def json(self): return {package!r}\n"
        "class Session:\n"
        "    def get(self, *_, **__): return Answer()\n"
        "pypi.caching_session = lambda *_, **__: Session()\n"
        "from pip_audit._cli import audit\n"
        "sys.argv[0] = 'pip-audit'\n"
        "audit()\n"
    )
    script = tmp_path / "audit.py"
    script.write_text(program)
    command = [sys.executable, script, "--requirement", lock, "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "PYSEC-0000-1" in done.stdout
    assert re.search(r"Found [1-9]", done.stdout + done.stderr)  # what the Makefile looks for


@pytest.mark.long
def test_the_list_of_what_the_program_consists_of_is_made(tmp_path: Path) -> None:
    needs.program("make", install="apt-get install make")
    needs.package("cyclonedx_py", extra="supply")
    done = made("sbom", tmp_path)

    assert done.returncode == 0, done.stderr
    made_of = json.loads((tmp_path / "build" / "sbom.json").read_text())
    assert {one["name"]: one["version"] for one in made_of["components"]} == PINNED


@pytest.mark.long
def test_the_lock_file_is_made_anew_without_naming_an_index(tmp_path: Path) -> None:
    needs.program("make", install="apt-get install make")
    needs.package("piptools", extra="supply")
    done = made("lock", tmp_path)
    if done.returncode and re.search(r"No matching distribution|Could not find|ConnectionError|offline", done.stderr):
        pytest.skip("no package index answers here")

    assert done.returncode == 0, done.stderr
    new = (tmp_path / "requirements.lock").read_text()
    assert new.startswith("# The base install, pinned with hashes")
    assert set(re.findall(r"^([a-z0-9-]+)==", new, re.MULTILINE)) >= {"flask", "sqlalchemy", "waitress", "pyotp"}
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links|--trusted-host", new)
