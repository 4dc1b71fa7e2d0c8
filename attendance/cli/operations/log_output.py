"""Where log lines go and what they look like: text or JSON, standard error and files that are put aside in time.

In: the settings of [logs], --log-format.  Out: handlers of the root logger.
Does not know: what is logged.
Main choice: one file for each program, since two programs cannot put one file aside.  Trade-off: a story across
both is in two files; JSON lines have times in UTC, so they can be sorted together.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from attendance.config import Logs
from attendance.errors import UserError

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# Their debug and info lines describe only their internals.
_NOISY = ("PIL", "alembic", "apscheduler", "matplotlib")


class OneLine(logging.Formatter):
    """A line of text.  What came from outside cannot begin another line, colour it, or turn its direction."""

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).split("\n")
        if record.exc_info is None and record.stack_info is None:
            return _visible("\n".join([first, *more]))
        # A traceback has lines of its own; none of them looks like the beginning of an entry.
        return "\n    | ".join(_visible(line) for line in (first, *more))


def _visible(text: str) -> str:
    """Return the text with every control character, and every sign that turns or ends a line, written as its code."""
    return "".join(sign if _harmless(sign) else sign.encode("unicode_escape").decode() for sign in text)


def _harmless(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cf", "Zl", "Zp", "Cs")


class JsonLines(logging.Formatter):
    """One JSON object a line, with the field names of the Elastic Common Schema."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
            "process.pid": record.process,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line |= {
                "error.type": record.exc_info[0].__name__,
                "error.message": str(record.exc_info[1]),
                "error.stack_trace": self.formatException(record.exc_info),
            }
        # JSON escapes what ends a line; the other control characters are written as their codes, too.
        text = json.dumps(line, ensure_ascii=False)
        return "".join(sign if _harmless(sign) else json.dumps(sign)[1:-1] for sign in text)


def log_to_stderr(verbose: bool, form: str | None) -> None:
    """Log to standard error, as text until told otherwise."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(OneLine(TEXT))
    if form is not None:
        _use(form)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log_to_folder(settings: Logs, program: str) -> Path | None:
    """Log in the settings' format, and into a file of this program if they name a folder; return the file.

    UserError if the folder may not be written.
    """
    given = [handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, JsonLines)]
    form = "json" if given else settings.format
    path = None
    if settings.folder:
        path = Path(settings.folder) / f"{re.sub(r'[^A-Za-z0-9-]+', '_', program)}.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            handler = RotatingFileHandler(
                path, maxBytes=settings.max_mb << 20, backupCount=settings.keep, encoding="utf-8"
            )
        except OSError as error:
            raise UserError(f"cannot log into {path}: {error.strerror}; check logs.folder") from error
        handler.setFormatter(OneLine(TEXT))
        logging.getLogger().addHandler(handler)
    _use(form)
    return path


def _use(form: str) -> None:
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
