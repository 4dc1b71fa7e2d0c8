"""The live picture in a browser: the newest picture, for this computer only."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from attendance.models.live_page import HOST, LivePage


@pytest.fixture
def page() -> Iterator[LivePage]:
    with LivePage() as opened:
        yield opened


def _answer(page: LivePage, path: str, host: str | None = None) -> http.client.HTTPResponse:
    parts = urlsplit(page.url)
    connection = http.client.HTTPConnection(HOST, parts.port or 0, timeout=10)
    connection.request("GET", path, headers={"Host": host or parts.netloc})
    return connection.getresponse()


def _picture(answer: http.client.HTTPResponse) -> bytes:
    """The next picture of the stream."""
    assert answer.readline().strip() == b"--frame"
    headers = http.client.parse_headers(answer)
    jpeg = answer.read(int(headers["Content-Length"]))
    answer.readline()
    return jpeg


def test_the_page_shows_each_new_picture(page: LivePage) -> None:
    path = urlsplit(page.url).path
    shown = _answer(page, path)
    source = re.search(r'<img src="([^"]+)" alt="[^"]+"', shown.read().decode())
    assert shown.status == 200 and source is not None

    pictures = [np.full((40, 60, 3), grey, np.uint8) for grey in (40, 200)]
    coded = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    page.show(coded[0])
    stream = _answer(page, source[1])
    assert (stream.getheader("Content-Type") or "").startswith("multipart/x-mixed-replace")
    assert _picture(stream) == coded[0]
    page.show(coded[1])
    assert _picture(stream) == coded[1]


def test_who_does_not_know_the_word_or_comes_by_another_name_sees_nothing(page: LivePage) -> None:
    page.show(b"secret")
    path = urlsplit(page.url).path

    assert _answer(page, "/").status == 404
    assert _answer(page, "/guess/stream").status == 404
    for foreign in (_answer(page, path + "stream", host="evil.example"), _answer(page, path, host="evil.example:80")):
        assert foreign.status == 403 and b"secret" not in foreign.read()


def test_the_page_is_on_this_computer_only_and_its_port_is_given_back() -> None:
    with LivePage() as first:
        assert urlsplit(first.url).hostname == "127.0.0.1" == HOST
        port = urlsplit(first.url).port or 0
        with pytest.raises(OSError, match="use"):
            LivePage(port)
    with LivePage(port) as again:
        assert urlsplit(again.url).port == port and again.url != first.url
