"""House rules about words: every text of a page can be translated, and English stays plain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tests.architecture.sources import MODULES, PACKAGE, ROOT, tree_of

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Attributes that people read or hear.
READ = {"title", "aria-label", "placeholder", "alt"}
# What reads the same in every language: units, examples of input, names of formats.
SAME_EVERYWHERE = re.compile(
    r"\b(px|ms|CSV|XLSX|PDF|ZIP|PIN|QR|JSON|MB|https?|localhost|ISO/IEC|NIST|FMR|FNMR|FPIR|FNIR)\b"
)

# What reads as translated, and what to write instead (docs/decisions and CONTRIBUTING.md give the rules).
PHRASES = {
    r"\b(an|the) own\b": "name the owner: “its own”, “the site's own”",
    r"\bthe price( is\b|:)": "write “Trade-off: …”",
    r"(?<!there )(?<!it )\bis no (?!longer\b|more\b|further\b|news\b|less\b|reason\b|\d)[a-z]+": "write “is not a …”",
    r"\bgoes before\b": "write “overrides”",
    r"\bwhat lies\b": "name it: “pixels outside the area”",
    r"\bwho(ever)? walks up\b": "name the person: “a stranger”, “the person at the door”",
    r"\bby what\b": "write “how”",
    r"\bworks? no more\b": "write “no longer works”, or what replaces it",
    r"\bwalks? up\b": "write “try the door”, “come to the door”",
    r"\b(is|was|are) told to\b": "name who asks: “the program tells the door to unlock”",
    r"(?<!there )\bare no (?!larger\b|longer\b|more\b|further\b|\d)[a-z]+": "write “are not …”",
    r"\bas it stands\b": "name it: “as the log shows it”",
    r"\bwhat it costs (your|the|them)\b": "say what happens: “how often it refuses people”",
    r"\b(external id|still_face|the_site)\b(?!_|\.)": "staff number, static_detections, site",
}
PROSE = sorted(
    path
    for pattern in (
        "attendance/**/*.py",
        "attendance/**/*.js",
        "templates/**/*.html",
        "templates/**/*.js",
        "docs/*.md",
        "*.md",
        "config.toml",
    )
    for path in ROOT.glob(pattern)
    if "_data" not in path.parts and path.name not in ("LOG.md", "CHANGELOG.md", "CONTRIBUTING.md")
)


class Raw(HTMLParser):
    """Collects texts and readable attributes of a page's fixed parts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipping += tag in ("script", "style", "code", "svg")
        self.found += [value for name, value in attrs if name in READ and value]

    def handle_endtag(self, tag: str) -> None:
        self.skipping -= tag in ("script", "style", "code", "svg")

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.found.append(data)


def fixed_parts(template: Path) -> str:
    """The template's HTML outside of expressions and `trans` blocks; an expression leaves a space."""
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], trim_blocks=True, lstrip_blocks=True)
    tree = environment.parse(template.read_text(encoding="utf-8"))
    parts = []
    for output in tree.find_all(nodes.Output):
        parts += [part.data if isinstance(part, nodes.TemplateData) else " " for part in output.nodes]
    return "".join(parts)


def raw_texts(template: Path) -> Iterator[str]:
    page = Raw()
    page.feed(fixed_parts(template))
    for text in page.found:
        if re.search(r"[A-Za-z]{2,}", SAME_EVERYWHERE.sub("", text)):
            yield " ".join(text.split())[:80]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_every_text_of_a_page_can_be_translated(template: Path) -> None:
    assert list(raw_texts(template)) == []


def in_one_line(text: str) -> str:
    """Return the text without line breaks and without the signs of comments: a phrase may go over two lines."""
    return re.sub(r"\s*\n\s*(?:(?:#|//|\*)\s+)?", " ", text)


def test_a_phrase_over_two_lines_is_one_phrase() -> None:
    assert in_one_line("# so; the\n# price is\n  high") == "# so; the price is high"


def test_english_stays_plain() -> None:
    found = [
        f"{path.relative_to(ROOT)}: “{match[0]}”: {advice}"
        for path in PROSE
        for phrase, advice in PHRASES.items()
        for match in re.finditer(phrase, in_one_line(path.read_text(encoding="utf-8")), re.IGNORECASE)
    ]

    assert found == []


# --- errors ----------------------------------------------------------------------------------------

# What pages may come to show: the rooms that `web` uses, and itself.
SHOWN_ROOMS = {"domain", "store", "service", "web", "files"}
SHOWN = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in SHOWN_ROOMS]


def error_classes() -> set[str]:
    """The names of UserError and of all that inherit from it, in the whole package."""
    bases = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    }
    found = {"UserError"}
    while more := {name for name, its in bases.items() if its & found} - found:
        found |= more
    return found


def holds_plain_words(value: ast.expr) -> bool:
    """Whether a value of a text brings words of its own that no translator sees, as in `name or "(empty)"`."""
    if isinstance(value, ast.BoolOp):
        return any(map(holds_plain_words, value.values))
    if isinstance(value, ast.IfExp):
        return holds_plain_words(value.body) or holds_plain_words(value.orelse)
    if isinstance(value, ast.JoinedStr):
        parts = (part.value for part in value.values if isinstance(part, ast.Constant))
        return any(re.search(r"[A-Za-z]{3,}", str(part)) for part in parts)
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value != ""


def unmarked(tree: ast.Module, marks: set[str]) -> Iterator[str]:
    """Each error or phrase whose text cannot be looked up in a catalogue, or that would fail when it is filled."""
    phrases = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "Phrase"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in marks and call.args):
            continue
        text, names = call.args[0], {keyword.arg for keyword in call.keywords}
        if isinstance(text, ast.Constant):
            wanted = set(re.findall(r"%\((\w+)\)", text.value))
            if wanted != names:
                yield f"{call.lineno}: the text names {sorted(wanted)}, but is given {sorted(map(str, names))}"
        elif not (ast.unparse(text) in phrases or ast.unparse(text).endswith(".text")):
            yield f"{call.lineno}: write the text as one literal, with %(name)s for what changes"
        if any(holds_plain_words(keyword.value) for keyword in call.keywords):
            yield f"{call.lineno}: a part in words is a Phrase of its own"


def test_every_error_that_a_page_may_show_can_be_translated() -> None:
    marks = error_classes() | {"Phrase"}
    found = [f"{path.relative_to(PACKAGE)}:{what}" for path in SHOWN for what in unmarked(tree_of(path), marks)]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'raise UserError(f"there is no shift {number}")',
        'raise UserError("there is no shift " + number)',
        "raise UserError(words)",
        'raise errors.UserError("there is no shift %(shift)s", number=number)',
        'raise UserError("there is no shift %(shift)s", shift=name or "(empty)")',
        'raise UserError("%(where)s is locked", where=f"the database {path}")',
    ],
)
def test_an_error_that_no_catalogue_knows_is_found(source: str) -> None:
    assert len(list(unmarked(ast.parse(source), {"UserError"}))) == 1


def test_a_marked_error_is_left_alone() -> None:
    source = 'AGAIN = Phrase("again")\nraise UserError("%(path)s: %(what)s, %(n)s", path=path, what=AGAIN, n=f"{n:,}")'

    assert list(unmarked(ast.parse(source), {"UserError", "Phrase"})) == []


def test_translators_get_the_texts_of_every_kind_of_error() -> None:
    marks = re.search(r"^MARKS = ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert marks is not None

    assert error_classes() | {"_", "N_", "Phrase"} == set(marks[1].replace("\\", " ").split())
