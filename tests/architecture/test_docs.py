"""The documents are held to the code: commands, settings, modules, links, and the numbers of the cards."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest

from attendance import config
from attendance.cli.main import main
from attendance.config_sources import toml
from attendance.service.alarms.kinds import KINDS
from tests import needs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "attendance"
DOCS = ROOT / "docs"
README = ROOT / "README.md"
# What a reader is sent to.  The log of experiments tells of the past, and names what is gone.
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
PRESENT = [page for page in PAGES if page.name not in ("CHANGELOG.md", "LOG.md") and page.parent.name != "decisions"]
README_LINES = 170
PICTURE_BYTES = 200_000


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- the README ------------------------------------------------------------------------------------


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len(read(README).splitlines()) <= README_LINES


def test_the_readme_warns_before_its_first_section() -> None:
    top = read(README).split("\n## ")[0]

    for warning in (
        "research and evaluation only",
        "liveness check proves nothing",
        "emergency way out must never depend",
    ):
        assert warning in top


def test_the_readme_shows_a_picture_before_the_first_section() -> None:
    assert re.search(r"!\[.+\]\(docs/images/.+\)", read(README).split("\n## ")[0])


def card(kind: str) -> dict[str, Any]:
    """The metrics on the card of the network that the settings name."""
    values = tomllib.loads(read(ROOT / "config.toml"))
    found: dict[str, Any] = json.loads(read(ROOT / "weights" / f"{values['models'][kind]}.json"))["metrics"]
    return found


def five_numbers() -> Iterator[tuple[str, str]]:
    """What README and docs/accuracy.md must say, from the cards."""
    recogniser, detector = card("recogniser"), card("detector")
    lfw = recogniser["lfw"]
    yield "LFW", f"{100 * lfw['accuracy']:.1f} % ± {100 * lfw['standard_error']:.1f}"
    rows = recogniser["lfw_open_set"]["rows"]
    (row,) = [row for row in rows if (row["gallery"], row["fpir"]) == (100, 0.01)]
    low, high = row["interval95_people"]
    yield "FNIR", f"{100 * row['fnir']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    name = detector["model_id"]
    ap = detector["sizes"]["256"][name]["facemask853"]["ap50"]
    low, high = ap["interval95"]
    yield "AP", f"{100 * ap['value']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


@pytest.mark.parametrize("page", [README, DOCS / "accuracy.md"], ids=short)
def test_the_five_numbers_are_those_of_the_cards(page: Path) -> None:
    missing = [f"{name}: {number}" for name, number in five_numbers() if number not in read(page)]

    assert missing == []
    assert "APCER and BPCER" in read(page)
    assert "`nuaa`" in read(page)


def test_the_readme_and_the_first_page_lead_to_every_page_for_users() -> None:
    linked_elsewhere = {"index.md", "contributing.md", "changelog.md", "LOG.md", "release.md"}
    pages = {path.name for path in DOCS.glob("*.md")} - linked_elsewhere

    assert {name for name in pages if f"](docs/{name}" not in read(README)} == set()
    assert {name for name in pages if f"]({name}" not in read(DOCS / "index.md")} == set()


def test_every_kind_of_alarm_is_in_the_table_of_alarms() -> None:
    table = read(DOCS / "operations.md").split("## Alarms")[1].split("\n## ")[0]

    assert [kind for kind in KINDS if f"| {kind} |" not in table] == []


# --- commands --------------------------------------------------------------------------------------


def every_command(command: click.Command = main, path: str = "") -> Iterator[str]:
    """Commands that do something: "init", "people list"; also a group that can be called by itself."""
    if path and (not isinstance(command, click.Group) or command.invoke_without_command):
        yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, f"{path} {name}".strip())


def test_every_command_is_in_the_list_of_commands() -> None:
    page = read(DOCS / "command-line.md")

    assert [path for path in every_command() if not re.search(rf"`{path}\b", page)] == []


def test_the_list_of_commands_holds_nothing_that_is_gone() -> None:
    page = read(DOCS / "command-line.md").split("## Old names")[0]
    cells = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    calls = [call for cell in cells for call in re.findall(r"`([^`]+)`", cell) if not call.startswith("--")]

    assert [call for call in calls if mistake(call)] == []


def mistake(call: str) -> str | None:
    """Why this call of manage.py cannot be one; None for a good one."""
    words = [word for word in shlex.split(call.split("#")[0]) if word != "…"]
    command: click.Command = main
    taking: list[str] = []
    for word in words:
        if word.startswith("--"):
            known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
            if word.split("=")[0] not in known | {"--help"}:
                return f"{command.name} has no option {word}"
            taking.append(word)
        elif isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
        elif isinstance(command, click.Group) and not taking and word != "COMMAND":
            return f"there is no command {word}"
    return None


def test_a_wrong_call_would_be_found() -> None:
    assert mistake("people list --all") is None
    assert mistake("peple list") == "there is no command peple"
    assert mistake("people list --everybody") == "list has no option --everybody"


def quoted_calls(text: str) -> Iterator[str]:
    """What follows `manage.py` (or the command `attendance`) in code."""
    for code in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in code.replace("\\\n", " ").splitlines():
            if found := re.match(r"\s*(?:(?:python )?manage\.py|python manage\.py|attendance) (.+)", line):
                yield found[1]
    without_blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for found in re.finditer(r"`(?:python )?manage\.py ([^`]+)`", without_blocks):
        yield found[1]


@pytest.mark.parametrize("page", PRESENT, ids=short)
def test_every_quoted_call_of_the_program_exists(page: Path) -> None:
    wrong = [f"{call}: {fault}" for call in quoted_calls(read(page)) if (fault := mistake(call))]

    assert wrong == []


@pytest.mark.parametrize("page", PRESENT, ids=short)
def test_every_quoted_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    code = re.findall(r"`make ([a-z]+)", read(page)) + re.findall(r"^make ([a-z]+)", read(page), re.MULTILINE)

    assert set(code) - targets == set()


# --- settings --------------------------------------------------------------------------------------


def documented_settings() -> dict[str, str]:
    """Name → default, as the tables of docs/configuration.md give them."""
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| `([^`]*)` \|", read(DOCS / "configuration.md"), re.MULTILINE)
    return dict(rows)


def test_every_setting_is_documented_with_its_default() -> None:
    defaults = {name: toml(field.default) for name, field in config.fields()}

    assert documented_settings() == defaults


def test_every_secret_is_marked() -> None:
    text = read(DOCS / "configuration.md")
    marked = set(re.findall(r"^\| `([a-z_.]+)` .*\*secret\*", text, re.MULTILINE))
    secrets = {name for name, field in config.fields() if (field.json_schema_extra or {}).get("secret")}

    assert marked == secrets


@pytest.mark.parametrize("page", PRESENT, ids=short)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    names = {name for name, _ in config.fields()}
    sections = {name.split(".")[0] for name in names}
    text = read(page).split("## Old names")[0]
    named = {found[1] for found in re.finditer(r"`([a-z_]+\.[a-z_]+)(?: = [^`]+)?`", text)}
    wrong = {name for name in named - names if name.split(".")[0] in sections and not name.endswith((".py", ".toml"))}

    assert wrong == set()


# --- modules ---------------------------------------------------------------------------------------


def tree_of(text: str) -> Iterator[tuple[str, str]]:
    """(path below attendance/, what is said about it) of the tree in docs/architecture.md."""
    tree = text[text.index("```\nattendance/\n") :].split("```")[1]
    folders: list[str] = []
    for line in tree.strip().splitlines()[1:]:
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, words = line.strip().partition(" ")
        folders = folders[: depth - 1]
        yield "/".join([*folders, name.rstrip("/")]), words.strip()
        if name.endswith("/"):
            folders.append(name.rstrip("/"))


def modules_and_folders() -> set[str]:
    modules = {
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if not path.name.startswith("__") and "_data" not in path.parts
    }
    folders = {folder for path in modules for folder in path.parents if folder != Path()}
    return {path.as_posix() for path in modules | folders}


def test_the_architecture_names_every_module_and_folder_and_says_what_it_does() -> None:
    listed = dict(tree_of(read(DOCS / "architecture.md")))

    assert modules_and_folders() - set(listed) == set()
    assert set(listed) - modules_and_folders() == set()
    assert [path for path, words in listed.items() if not words] == []


@pytest.mark.parametrize("page", [DOCS / "architecture.md", ROOT / "CONTRIBUTING.md"], ids=short)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:[a-z_]+/)+(?:[\w.-]+)?|[a-z_]+\.py)`", read(page))
    gone = [
        path
        for path in named
        if not (ROOT / path).exists() and not (PACKAGE / path).exists() and path not in ("build/site", "utils.py")
    ]

    assert gone == []


def test_the_glossary_of_feature_words_is_that_of_the_house_rules() -> None:
    rules = read(Path(__file__).with_name("test_architecture.py"))
    words = ["people", "enrolment", "access", "cameras", "kiosk", "hours", "calibration", "alarms", "privacy"]
    words += ["audit", "operators", "operations"]

    assert all(f'"{word}"' in rules for word in words)
    for page in (DOCS / "architecture.md", ROOT / "CONTRIBUTING.md"):
        assert all(f"`{word}`" in read(page) for word in words), page.name


# --- links and pictures ----------------------------------------------------------------------------


def slug(heading: str) -> str:
    """As MkDocs makes an anchor of a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading)).strip().lower())


def anchors(page: Path) -> set[str]:
    without_code = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    without_code = re.sub(r"```.*?```|`[^`\n]*`", "", read(page), flags=re.DOTALL)
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = page if not file else (page.parent / file).resolve()
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            wrong.append(target)

    assert wrong == []


def test_every_picture_is_small_and_shown() -> None:
    shown = "".join(read(page) for page in PAGES)
    pictures = sorted((DOCS / "images").iterdir())

    assert [path.name for path in pictures if path.stat().st_size > PICTURE_BYTES] == []
    assert [path.name for path in pictures if f"images/{path.name}" not in shown] == []


class Outside(HTMLParser):
    """Collects what a browser would load from another host by itself."""

    LOADS: ClassVar = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(self.LOADS.get(tag, "")) or ""
        if re.match(r"(https?:)?//", address):
            self.found.append(f"{tag} {address}")


def test_the_built_pages_are_complete_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    needs.package("mkdocs", extra="docs")
    needs.package("material", extra="docs")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr

    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    for page in pages:
        outside = Outside()
        outside.feed(read(page))
        assert outside.found == [], page.name


# --- the changelog ---------------------------------------------------------------------------------


def test_the_newest_version_of_the_changelog_is_the_packages() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+) ", read(ROOT / "CHANGELOG.md"), re.MULTILINE)

    assert versions[0] == tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]
    assert versions == sorted(versions, reverse=True)


def test_each_version_says_what_was_added_changed_or_fixed() -> None:
    parts = re.split(r"^## ", read(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)[1:]

    for part in parts:
        assert set(re.findall(r"^### (.+)$", part, re.MULTILINE)) <= {"Added", "Changed", "Fixed", "Removed"}
        assert "### " in part
