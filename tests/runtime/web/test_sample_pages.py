"""The pages of sample data and of the guided start, as an administrator walks them."""

import re
import time

from tests.security.conftest import Workspace

SALES = "sales_management"


def test_sample_data_is_removed_from_the_apps_page_and_what_stays_is_named(workspace: Workspace) -> None:
    admin = workspace.browser("admin")
    page = admin.get(f"/marketplace/{SALES}").text
    assert f"/marketplace/{SALES}/sample/remove" in page
    guide = admin.get(f"/start/{SALES}/first_month").text
    total = len(re.findall(r"<li>", guide.split("<ol", 1)[1]))
    assert total >= 8
    assert f"/start/{SALES}/first_month" in admin.get("/").text
    watched = admin.post(f"/marketplace/{SALES}/sample/remove").headers["location"]
    for _ in range(200):
        shown = admin.get(watched)
        if shown.status_code == 303:
            break
        time.sleep(0.05)
    done = admin.get(shown.headers["location"]).text
    assert re.search(r"class=\"muted\">[^<]*\d", done)
    assert "sample/remove" not in admin.get(f"/marketplace/{SALES}").text or "h-kept" in done
    assert workspace.browser("rep").get(f"/start/{SALES}/first_month").status_code in (403, 404)
