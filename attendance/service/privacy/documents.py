"""Documents for people to read and keep: sections of paragraphs and tables, as HTML that opens anywhere, or as JSON.

In: titles, texts, rows; or nested values of a person's record.  Out: one file's text.
Does not know: what the sections are about.
Main choice: a file of its own without scripts, pictures or links to other files, so that it opens in any browser
without the site, and prints.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a2230}"
    "h1{font-size:1.7rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #d5dbe3;padding-bottom:.3rem}"
    "table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:left;vertical-align:top;"
    "padding:.35rem .6rem .35rem 0;border-bottom:1px solid #e6eaf0;overflow-wrap:anywhere}.wide{overflow-x:auto}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}}"
)


@dataclass(frozen=True, slots=True)
class Section:
    """`rows`: of a table with `head`, all of the same length."""

    title: str
    paragraphs: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    intro: str
    sections: tuple[Section, ...] = field(default=())


def as_html(document: Document) -> str:
    """Return a page that needs no other file; every text is escaped."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(document.title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(document.title)}</h1><p>{html.escape(document.intro)}</p>",
    ]
    for section in document.sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
        if section.rows:
            parts.append(_table(section))
    return "\n".join([*parts, "</body></html>", ""])


def as_json(document: Document) -> str:
    """Return the same as JSON."""
    sections = [
        {"title": one.title, "paragraphs": list(one.paragraphs)}
        | ({"table": [dict(zip(one.head, row, strict=True)) for row in one.rows]} if one.rows else {})
        for one in document.sections
    ]
    whole = {"title": document.title, "intro": document.intro, "sections": sections}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def record_of(stored: Mapping[str, Any], site: str) -> Document:
    """Return a person's record (`own_data.everything_about`) as a document, a section for each of its parts."""
    name = str(stored["person"]["name"])
    intro = f"Everything that {site} stores about {name}, at {stored['told_at']}. Times are UTC."
    parts = [(key, value) for key, value in stored.items() if key != "told_at"]
    return Document(f"Record of {name}", intro, tuple(_section(key, value) for key, value in parts))


def _section(key: str, value: Any) -> Section:
    title = _words(key)
    if not value and value != 0:
        return Section(title, ("Nothing is stored.",))
    if isinstance(value, Mapping):
        return Section(title, (), ("What", "Value"), tuple((_words(k), _text(v)) for k, v in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        head = tuple(value[0])
        rows = tuple(tuple(_text(row[name]) for name in head) for row in value)
        return Section(title, (), tuple(_words(name) for name in head), rows)
    return Section(title, (_text(value),))


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _table(section: Section) -> str:
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in section.head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in section.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
