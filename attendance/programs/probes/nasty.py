"""Values that break programs, and the links and forms of a page to put them into.

In: a seeded source of chance; a page's HTML.  Out: texts, files, addresses; `Form`s.
Does not know: who sends them, what an answer means.
Main choice: most fields keep the value that the page gives, so that a broken one gets past the first check and meets
the code behind it.
"""

from __future__ import annotations

import io
import random
import re
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from PIL import Image

TEXTS: Sequence[str] = (
    "", " ", "\t\n", "0", "-1", "1", "2", "999", "2147483648", "9223372036854775808", "-9223372036854775809",
    "1e400", "NaN", "sNaN", "-inf", "0x10", "١٢٣", "1.5", "1,5", "yes", "no", "on", "true", "null", "[]", "{}", "[[[[",
    "\x00", "a\x00b", "\ud800", "\u202egnp.exe", "é", "e\u0301", "😀" * 50, "İ", "'", '"', "' OR 1=1 --", "<script>x",
    "{{7*7}}", "${7*7}", "%s%n%d", "%(name)s", "%00", "../../etc/passwd", "/etc/passwd", "file:///etc/passwd",
    "\\\\a\\b",
    "=1+1", "@SUM(1)", "a" * 5000, "2024-02-29", "2024-02-30", "0000-00-00", "9999-12-31", "10000-01-01", "2024-W01",
    "2024-05", "2024-13", "24:00", "25:61", "0830", "-1:00", "Europe/Berlin", "Mars/Base", "en_GB", "xx_XX", "a@b",
    "a@b.c\nBcc: d@e.f", "in", "out", "add", "void", "approve", "all", "../", "//x.org", "https://x.org", "1;2;3",
    "1\n2", "+49 30", "00:00-24:00", "08:00-12:00, 13:00-17:00", "Mo-Fr", "0", "1" * 400,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page.  `fields`: names and the values that they have; `files`: names of what takes files."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


@dataclass
class _Page(HTMLParser):
    """Collects links and forms."""

    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: tuple[str, str] | None = None
        self._fields: list[tuple[str, str]] = []
        self._files: list[str] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "a" and got.get("href", "").startswith("/"):
            self.links.append(got["href"])
        elif tag == "form":
            self._open = (got.get("method", "get").upper(), got.get("action", ""))
            self._fields, self._files = [], []
        elif self._open is not None:
            self._part(tag, got)

    def _part(self, tag: str, got: dict[str, str]) -> None:
        name = got.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._fields.append((self._select, got.get("value", "")))
        elif name and got.get("type") == "file":
            self._files.append(name)
        elif name and tag in ("input", "textarea", "button"):
            self._fields.append((name, got.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "form" and self._open is not None:
            method, path = self._open
            self.forms.append(Form(method, path, tuple(self._fields), tuple(self._files)))
            self._open = None


def links_and_forms(page: str, path: str) -> tuple[list[str], list[Form]]:
    """Return the links of a page that stay on the site, and its forms; a form without an address goes to `path`."""
    parser = _Page()
    parser.feed(page)
    forms = [Form(one.method, one.path or path, one.fields, one.files) for one in parser.forms]
    return parser.links, [one for one in forms if one.path.startswith("/")]


def broken_fields(form: Form, chance: random.Random) -> list[tuple[str, str]]:
    """Return the form's fields with some broken, left out, doubled or added."""
    fields = [(name, value) for name, value in form.fields if name != "csrf_token"]
    chosen: list[tuple[str, str]] = []
    for name, value in fields:
        fate = chance.random()
        if fate < 0.55:
            chosen.append((name, value))
        elif fate < 0.9:
            chosen.append((name, chance.choice(TEXTS)))
        elif fate < 0.95:
            chosen += [(name, value), (name, chance.choice(TEXTS))]
    if chance.random() < 0.1:
        chosen.append((chance.choice(("id", "person", "next", "back", "page", "purpose", "x")), chance.choice(TEXTS)))
    return chosen


def broken_address(path: str, chance: random.Random) -> str:
    """Return the address with numbers, dates or what is asked for after the ? broken."""
    address, _mark, query = path.partition("?")
    if chance.random() < 0.3:
        address = re.sub(
            r"\d+", lambda _m: chance.choice(("0", "1", "2", "999", "4294967296", "-1", "x", "%00")), address
        )
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    pairs += [(name, "") for name in chance.sample(("page", "sort", "q", "person", "from", "to", "month", "show"), 2)]
    pairs = [(name, chance.choice(TEXTS) if chance.random() < 0.5 else value) for name, value in pairs]
    return f"{address}?{encoded(pairs)}"


def encoded(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the fields as a browser sends them; halves of surrogates go as the bytes that they are."""
    return urllib.parse.urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs])


def broken_file(chance: random.Random) -> tuple[str, bytes]:
    """Return a name and the content of a file that is not what its name says, or broken inside."""
    name, make = chance.choice(_FILES)
    data = bytearray(make(chance))
    for _change in range(chance.choice((0, 0, 1, 5, 50))):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.2:
        del data[chance.randrange(len(data) + 1) :]
    return chance.choice((name, name, "../../x.png", "a\x00.csv", "", "é" * 200)), bytes(data)


def multipart(fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """Return the body of a form with files (field, name, content), and its content type."""
    border = b"----------------------------fuzz"
    parts = []
    begin = 'Content-Disposition: form-data; name="'
    for name, value in fields:
        head = f'{begin}{_quoted(name)}"'.encode("utf-8", "replace")
        parts.append(head + b"\r\n\r\n" + value.encode("utf-8", "surrogatepass"))
    for name, filename, content in files:
        head = f'{begin}{_quoted(name)}"; filename="{_quoted(filename)}"'.encode("utf-8", "replace")
        parts.append(head + b"\r\nContent-Type: application/octet-stream\r\n\r\n" + content)
    body = b"".join(b"--" + border + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + border + b"--\r\n"
    return body, f"multipart/form-data; boundary={border.decode()}"


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")


def _picture(form: str, mode: str) -> Callable[[random.Random], bytes]:
    def make(chance: random.Random) -> bytes:
        out = io.BytesIO()
        Image.new(mode, (chance.randint(1, 200), chance.randint(1, 200))).save(out, form)
        return out.getvalue()

    return make


def _sheet(chance: random.Random) -> bytes:
    heads = ("name,photos,staff_number,department,consent", "staff_number;day;shift", "1\t2024-05-06 08:00:00\t1\t0")
    lines = [chance.choice(heads)]
    lines += [chance.choice(",;\t").join(chance.choices(TEXTS, k=chance.randint(1, 6))) for _line in range(8)]
    text = chance.choice(("", "\ufeff", "sep=;\n")) + "\n".join(lines)
    return text.encode(chance.choice(("utf-8", "utf-16")), "surrogatepass")


def _noise(chance: random.Random) -> bytes:
    start = chance.choice((b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"PK\x03\x04", b"RIFF\x00\x00\x00\x00WEBP"))
    return start + chance.randbytes(chance.choice((0, 1, 30, 3000)))


_FILES: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
    ("photo.png", _picture("PNG", "RGB")),
    ("photo.png", _picture("PNG", "P")),
    ("photo.png", _picture("PNG", "I;16")),
    ("photo.png", _picture("PNG", "1")),
    ("photo.jpg", _picture("JPEG", "RGB")),
    ("photo.jpg", _picture("JPEG", "CMYK")),
    ("photo.bmp", _picture("BMP", "RGB")),
    ("photo.webp", _picture("WEBP", "RGBA")),
    ("list.csv", _sheet),
    ("attlog.dat", _sheet),
    ("x.zip", _noise),
)
