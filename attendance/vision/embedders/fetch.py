"""A published recogniser → its graph and card in the weights folder.

In: an entry of the catalogue, the folder, perhaps another address or a file.  Out: `<name>.onnx` and `<name>.json`.
Does not know: settings, which network is in use.
Main choice: size and SHA-256 are compared before anything is put in its place, so a mirror or a USB stick is as good as
the makers' address.  Trade-off: a file that was published anew under the same address is refused.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from datetime import date
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import IO, Any
from urllib.parse import urlsplit

import numpy as np

from attendance.errors import UserError, first_line
from attendance.vision.embedders.catalogue import Known
from attendance.vision.embedders.espdl import read_espdl
from attendance.vision.runtime import open_session
from attendance.vision.weights import Card, WeightsError, save_card, sha256_of

CHUNK = 1 << 16
TIMEOUT_S = 30.0  # of one wait
LIMIT_S = 1800.0  # of the whole fetch: the largest network then needs 21 kB a second
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def get(
    known: Known, folder: Path, source: str | None, today: date, replace: bool = False, limit_s: float = LIMIT_S
) -> Card:
    """Fetch, check, convert and try the network; write graph and card; return the card.

    `source`: an address or a file instead of the makers' address.  `limit_s`: seconds that fetching may take in all.
    Raises UserError that says what to do; then the
    folder is as it was.
    """
    target = folder / f"{known.name}.onnx"
    if not replace and (target.exists() or target.with_suffix(".json").exists()):
        raise UserError(f"{known.name} is in {folder} already; to fetch it again add --replace")
    part = folder / f".{known.name}.part"
    trial = folder / f".{known.name}.trial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _copy(_chunks(known.url if source is None else source, known.size, limit_s), part, known)
        trial.mkdir(exist_ok=True)
        graph = trial / target.name
        if known.form == "espdl":
            graph.write_bytes(_converted(part.read_bytes(), known))
        else:
            part.replace(graph)
        card = _card(known, sha256_of(graph), today)
        _try(card, trial)
        written = save_card(card, trial)  # before the graph is in its place: on a full disk neither is
        graph.replace(target)
        written.replace(target.with_suffix(".json"))
        return card
    except OSError as error:
        raise UserError(f"{known.name} cannot be written to {folder}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()
        shutil.rmtree(trial, ignore_errors=True)


def _chunks(source: str, size: int, limit_s: float) -> Iterator[bytes]:
    """Yield the bytes of an address or a file, at most one chunk more than `size`."""
    if not source.lower().startswith(("http://", "https://")):
        try:
            if Path(source).exists() and not Path(source).is_file():  # a pipe would be waited for, for ever
                raise UserError(f"{source} is not a file; give a file or an https address")
            with Path(source).open("rb") as file:
                yield from _read(file, size)
        except OSError as error:
            raise UserError(f"cannot read {source}: {error.strerror}; check the path") from error
        return
    try:
        _require_safe(source)
        yield from _within(limit_s, _answered(source, size), source)
    except urllib.error.HTTPError as error:
        error.close()
        raise UserError(f"{source} answers {error.code} {first_line(error.reason)}; {_ELSEWHERE}") from error
    except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError; ValueError: no valid address
        raise UserError(f"{source} cannot be fetched: {first_line(error)}; {_ELSEWHERE}") from error


_ELSEWHERE = "fetch the file on another computer and give its path with --from"


def _answered(url: str, size: int) -> Generator[bytes, None, None]:
    with urllib.request.build_opener(_SafeRedirects).open(url, timeout=TIMEOUT_S) as answer:
        yield from _read(answer, size)


def _within(limit_s: float, chunks: Generator[bytes, None, None], source: str) -> Iterator[bytes]:
    """Yield the chunks; raise UserError if not all have come in `limit_s` seconds, wherever it hangs.

    A thread waits for them, because a name, a connection, a header and a body can each drip for ever without one long
    wait.  A thread that is given up ends with its next byte or its time-out.
    """
    come: SimpleQueue[bytes | Exception | None] = SimpleQueue()
    given_up = threading.Event()

    def carry() -> None:
        try:
            with closing(chunks):
                for chunk in chunks:
                    if given_up.is_set():
                        return
                    come.put(chunk)
            come.put(None)
        except Exception as error:  # raised again below; without its frames, which hold the connection
            come.put(error.with_traceback(None))

    ends = monotonic() + limit_s
    threading.Thread(target=carry, name="weights get", daemon=True).start()
    try:
        while True:
            try:
                if (left := ends - monotonic()) <= 0:
                    raise Empty
                one = come.get(timeout=left)
            except Empty:
                words = f"{source} did not send the whole file within {limit_s / 60:g} minutes"
                raise UserError(f"{words}; allow more with --minutes, or {_ELSEWHERE}") from None
            if one is None:
                return
            if isinstance(one, Exception):
                try:
                    raise one
                finally:
                    del one  # else error and frame would keep each other, and the connection with them
            yield one
    finally:
        given_up.set()


def _read(file: IO[bytes] | Any, size: int) -> Iterator[bytes]:
    left, read = size + CHUNK, getattr(file, "read1", file.read)  # `read` would wait for a whole chunk
    while left > 0 and (chunk := read(CHUNK)):
        left -= len(chunk)
        yield chunk


def _require_safe(url: str) -> None:
    """Raise UserError for plain HTTP to another computer: who listens would learn what this one uses."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise UserError(f"{url} is not an https address; give one, or a file")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        _require_safe(newurl)
        if urlsplit(newurl).hostname in LOOPBACK and urlsplit(req.full_url).hostname not in LOOPBACK:
            raise UserError(f"{req.full_url} leads to {newurl}, on this computer; {_ELSEWHERE}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _copy(chunks: Iterator[bytes], part: Path, known: Known) -> None:
    """Write the file and compare its size and SHA-256."""
    digest, written = hashlib.sha256(), 0
    with part.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            written += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    if written != known.size:
        more = " or more" if written > known.size else ""
        raise UserError(f"{known.name} has {known.size:,} bytes, but {written:,}{more} came; {_ELSEWHERE}")
    if digest.hexdigest() != known.sha256:
        raise UserError(f"the SHA-256 is not that of {known.name}: the file was changed; {_ELSEWHERE}")


def _converted(data: bytes, known: Known) -> bytes:
    from attendance.vision.embedders.espdl_onnx import to_onnx

    made: bytes = to_onnx(read_espdl(data), known.input_size).SerializeToString(deterministic=True)
    return made


def _card(known: Known, sha256: str, today: date) -> Card:
    return Card(
        model_id=known.name,
        kind="recogniser",
        architecture=known.words,
        input_size=known.input_size,
        sha256={f"{known.name}.onnx": sha256},
        preprocess=known.preprocess,
        embedding_dim=known.dim,
        metrics={"published": known.published, "measured": known.measured or "not tried here"},
        operating_points=known.operating_points,
        terms=f"{known.licence} Fetched from {known.url}, SHA-256 {known.sha256}.",
        created=today.isoformat(),
    )


def _try(card: Card, folder: Path) -> None:
    """Run the graph once; raise WeightsError if its answer is not the embedding that the card states."""
    try:
        answer = open_session(card, folder).run(np.zeros((1, 3, card.input_size, card.input_size), np.float32))
    except UserError:
        raise
    except Exception as error:  # ONNX Runtime has its own exception for each way a graph can fail
        raise WeightsError(f"{card.model_id} cannot be used: {first_line(error)}") from error
    numbers = answer["embedding"].reshape(-1)
    if len(numbers) != card.embedding_dim or not np.isfinite(numbers).all():
        raise WeightsError(f"{card.model_id} gave {len(numbers)} numbers instead of {card.embedding_dim}")
