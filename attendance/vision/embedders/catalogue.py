"""Recognisers of other projects that `weights get` can fetch, with what is known about them.

In: nothing.  Out: where each is published, its size and SHA-256, its terms, what its makers say and what we measured.
Does not know: how they are fetched or converted.
Main choice: size and SHA-256 are written down here, so that a changed or damaged file is never used, wherever it came
from.  Trade-off: a new version of a network needs a new version of this program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from attendance.vision.weights import Preprocess

_ESP_DL = (
    "https://raw.githubusercontent.com/espressif/esp-dl/12c0616de145b704e1149c474b9a1e852e631d67/"
    "models/human_face_recognition/models/p4/"
)
_OPENCV_ZOO = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/edef535367a4f8053b5bfb7580935c83772a9639/"
    "models/face_recognition_sface/"
)
_MIT = "MIT (Espressif Systems, 2021; esp-dl). The makers do not say which faces it was trained on."


@dataclass(frozen=True)
class Known:
    """One published recogniser.

    `size`: bytes of the published file · `form`: how it is published · `dim`: numbers in an embedding ·
    `published`, `measured`: accuracy in words, "" if unknown · `operating_points`: as on a card.
    """

    name: str
    words: str
    url: str
    size: int
    sha256: str
    form: Literal["onnx", "espdl"]
    dim: int
    preprocess: Preprocess
    licence: str
    published: str
    measured: str
    input_size: int = 112
    operating_points: Mapping[str, Any] = field(default_factory=dict)


def _measured_point(threshold: float) -> dict[str, Any]:
    return {
        "default_threshold": threshold,
        "protocol": "false match rate 1 in 10,000 over 6,574,071 pairs of 209 CelebA people, SCRFD-500M's landmarks; "
        "set your own on the threshold page",
    }


def _mobilefacenet(name: str, million: float, file: str, size: int, sha256: str, **known: Any) -> Known:
    return Known(
        name,
        f"MobileFaceNet of {million} million parameters",
        _ESP_DL + file,
        size,
        sha256,
        form="espdl",
        dim=512,
        preprocess=Preprocess("RGB", 127.5, 127.5),
        licence=_MIT,
        **known,
    )


KNOWN: dict[str, Known] = {
    one.name: one
    for one in (
        _mobilefacenet(
            "mobilefacenet-esp-mbf",
            3.4,
            "human_face_feat_mbf_s8_v1.espdl",
            3_522_832,
            "0cd2629f7111b821f419531d0d3ff33d81018391fa57039acd1022a4531cfd48",
            published="TAR 93.94 % at FAR 1e-4 on IJB-C",
            measured="LFW 99.57 % (6,000 pairs, SCRFD-500M's landmarks), 99.2 % end to end with our detector",
            operating_points=_measured_point(0.295),
        ),
        _mobilefacenet(
            "mobilefacenet-esp-mfn",
            1.2,
            "human_face_feat_mfn_s8_v1.espdl",
            1_295_200,
            "a90cbb14ddc731921931751581df9e5dfa32354435e5daf7cfb4a5dd47058945",
            published="TAR 90.03 % at FAR 1e-4 on IJB-C",
            measured="LFW 99.37 % (3,000 pairs, SCRFD-500M's landmarks), 99.1 % end to end with our detector",
            operating_points=_measured_point(0.396),
        ),
        Known(
            "sface-2021dec",
            "SFace of OpenCV's model zoo",
            f"{_OPENCV_ZOO}face_recognition_sface_2021dec.onnx",
            38_696_353,
            "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
            "onnx",
            128,
            Preprocess("RGB", 0.0, 1.0),
            "Apache-2.0 (OpenCV's model zoo; Yaoyao Zhong's SFace).",
            "LFW 99.40 %",
            "",
        ),
    )
}
