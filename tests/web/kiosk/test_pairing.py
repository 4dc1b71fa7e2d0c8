"""How a tablet is paired, and by whom."""

from __future__ import annotations

import html
import re

from tests.site_fixtures import Browser, Web
from tests.web.kiosk.conftest import JSON, Tablet, add_tablet


def test_an_administrator_pairs_a_tablet_by_a_code_shown_once(web: Web, admin: Browser) -> None:
    page = admin.submit("/kiosks", {"name": "canteen", "shows": "", "direction": "in"}).get_data(as_text=True)
    found = re.search(r"data-code>([0-9A-Z ]+)<", page)
    assert found
    assert "data:image/svg+xml" in page
    tablet = Tablet(web, found[1])

    assert tablet.client.get("/kiosk/").status_code == 200
    assert tablet.client.get("/kiosk/state", headers=JSON).json["name"] == "canteen"
    assert Tablet(web, None).post("pair", {"code": found[1]}).status_code == 409  # once
    assert found[1] not in admin.text("/kiosks")
    assert "working" in admin.text("/kiosks")


def test_the_picture_of_the_code_keeps_it_from_servers_and_logs(web: Web, admin: Browser) -> None:
    import cv2
    import numpy as np
    import segno

    page = admin.submit("/kiosks", {"name": "canteen", "shows": "", "direction": "in"}).get_data(as_text=True)
    code = re.search(r"data-code>([0-9A-Z ]+)<", page)
    assert code
    expected = f"http://localhost/kiosk/pair#{code[1].replace(' ', '')}"
    again = segno.make(expected, micro=False, error="m")
    assert html.escape(again.svg_data_uri(scale=6, border=4, light="#fff")) in page
    modules = np.array(list(again.matrix_iter(scale=6, border=4)), np.uint8)
    assert cv2.QRCodeDetector().detectAndDecode(np.where(modules, 0, 255).astype(np.uint8))[0] == expected


def test_codes_grow_old_and_a_new_one_replaces_the_tablet(web: Web, admin: Browser) -> None:
    old = Tablet(web, add_tablet(web))
    page = admin.submit("/kiosks/1/code").get_data(as_text=True)
    code = str(re.search(r"data-code>([0-9A-Z ]+)<", page)[1])  # type: ignore[index]
    assert old.client.get("/kiosk/state", headers=JSON).status_code == 200  # until the code is used
    web.clock.advance(16 * 60)
    assert Tablet(web, None).post("pair", {"code": code}).status_code == 409

    page = web.browser("ada").submit("/kiosks/1/code").get_data(as_text=True)
    Tablet(web, str(re.search(r"data-code>([0-9A-Z ]+)<", page)[1]))  # type: ignore[index]
    assert old.client.get("/kiosk/state", headers=JSON).status_code == 401


def test_a_tablet_may_not_bear_a_cameras_name_nor_another_tablets(web: Web, admin: Browser) -> None:
    add_tablet(web)
    for name, says in (("entrance", "camera has this name"), ("canteen", "there is a kiosk"), ("", "Enter a name")):
        answer = admin.submit("/kiosks", {"name": name, "shows": "", "direction": "in"})
        assert answer.status_code == 400
        assert says in answer.get_data(as_text=True).replace("There", "there").replace("A camera", "camera")


def test_only_administrators_see_tablets(web: Web, viewer: Browser) -> None:
    assert viewer.get("/kiosks").status_code == 403
    assert "Tablets and screens" not in viewer.text("/cameras")
