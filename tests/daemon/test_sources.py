"""What a source's text means, and what of it may be shown."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from attendance.daemon.cameras.feed import FeedEnded, Kind, Source, SourceLost
from attendance.daemon.cameras.folder import FolderFeed
from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.sources import open_feed, parse_source
from attendance.errors import UserError, without_secrets
from tests.daemon.conftest import make_pictures, make_video
from tests.factories import ANNA, BERT


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("0", Kind.WEBCAM, "0"),
        (" 02 ", Kind.WEBCAM, "2"),
        ("/dev/null", Kind.WEBCAM, "/dev/null"),
        ("rtsp://10.0.0.5/live", Kind.STREAM, "rtsp://10.0.0.5/live"),
        ("HTTP://10.0.0.5/video.mjpg", Kind.STREAM, "HTTP://10.0.0.5/video.mjpg"),
    ],
)
def test_a_source_is_told_by_its_form(text: str, kind: Kind, target: str) -> None:
    source = parse_source(text)

    assert (source.kind, source.target) == (kind, target)


def test_files_and_folders_are_told_by_what_is_there(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", [100])
    folder = make_pictures(tmp_path / "folder", [ANNA])

    assert parse_source(str(video)).kind is Kind.FILE
    assert parse_source(str(folder)).kind is Kind.FOLDER


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no file or folder (empty): give a webcam number"),
        ("missing.mp4", "there is no file or folder missing.mp4"),
        ("-1", "there is no file or folder -1"),
        ("ftp://host/a.mp4", "ftp://host/a.mp4 cannot be watched: give a webcam number"),
        ("rtsp://", "rtsp:// cannot be watched"),
        ("ftp://me:secret@host/a", "ftp://…@host/a cannot be watched"),
    ],
)
def test_a_source_that_means_nothing_is_refused_with_advice(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse_source(text)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")

    with pytest.raises(UserError, match="holds no pictures"):
        parse_source(str(tmp_path))


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://user:secret@10.0.0.5:554/live",
        "rtsp://user:sec@ret@10.0.0.5:554/live",
        "rtsp://user:sec/ret@10.0.0.5:554/live",
        "http://10.0.0.5:80/video.mjpg?user=me&pwd=secret",
        "http://user:secret@10.0.0.5/video.mjpg?pwd=se@cret",
    ],
)
def test_no_part_of_a_password_is_shown(address: str) -> None:
    shown = without_secrets(address)

    assert "10.0.0.5" in shown
    assert not re.search("user|sec|ret|pwd", shown)


def test_an_address_without_a_password_is_shown_whole() -> None:
    assert without_secrets("rtsp://10.0.0.5/live@2") == "rtsp://10.0.0.5/live@2"


def test_a_folder_is_read_in_the_order_of_its_numbers_and_leaves_out_what_is_no_picture(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "folder", [(shade, shade, shade) for shade in range(20, 140, 10)])
    (folder / "3.png").write_bytes(b"no picture")
    feed = FolderFeed(folder)
    shades = []
    with pytest.raises(FeedEnded):
        while True:
            picture = feed.read()
            shades.append(None if picture is None else int(picture[0, 0, 0]))

    assert shades == [20, 30, 40, None, *range(60, 140, 10)]


def test_a_video_says_how_fast_it_is_played_and_gives_bgr_pictures(tmp_path: Path) -> None:
    feed = VideoFeed(parse_source(str(make_video(tmp_path / "a.mp4", [100, 150], fps=12))), 2, 2)
    picture = feed.read()
    feed.close()

    assert feed.fps == pytest.approx(12)
    assert picture is not None
    assert (picture.shape, picture.dtype) == ((48, 64, 3), np.uint8)


@pytest.mark.parametrize("content", [b"", b"no video at all", None])
def test_a_file_that_is_no_video_cannot_be_opened(tmp_path: Path, content: bytes | None) -> None:
    path = make_video(tmp_path / "a.mp4", [100] * 20)
    path.write_bytes(path.read_bytes()[:700] if content is None else content)

    with pytest.raises(SourceLost, match="not a video that can be read"):
        open_feed(parse_source(str(path)), 2, 2)


def test_opencv_writes_nothing_of_its_own_when_a_camera_fails(capfd: pytest.CaptureFixture[str]) -> None:
    for source in (Source(Kind.WEBCAM, "77", "webcam 77"), Source(Kind.STREAM, "http://me:secret@127.0.0.1:9/a", "")):
        with pytest.raises(SourceLost) as caught:
            open_feed(source, 1, 1)
        assert "secret" not in str(caught.value)

    assert capfd.readouterr().err == ""


def test_colours_stay_in_bgr_order(tmp_path: Path) -> None:
    feed = FolderFeed(make_pictures(tmp_path / "folder", [ANNA, BERT]))
    pictures = [feed.read(), feed.read()]

    assert [tuple(picture[0, 0]) for picture in pictures if picture is not None] == [ANNA, BERT]
