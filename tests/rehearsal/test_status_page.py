"""The status page in a real headless browser, on a real API and broker."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.rehearsal.browser import Page, ensure_browser, opened
from tests.rehearsal.worker_fleet import TOKEN, Fleet, create
from tests.unit.worker_api_stage import presence
from worker_image import wait_history
from worker_image.presence import PresenceStore

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(300)]

PHONE, DESKTOP = (375, 800), (1280, 900)
EVIL = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def browser() -> str:
    """A browser that is there, or that Debian's package brings; without one the tests fail."""
    return ensure_browser()


@pytest.fixture
def api(fleet: Fleet) -> httpx.Client:
    return fleet.api()


@pytest.fixture
def page(browser: str, api: httpx.Client, tmp_path: Path) -> Iterator[Page]:
    with opened(browser, tmp_path, str(api.base_url)) as page:
        yield page


def sign_in(page: Page, token: str = TOKEN) -> None:
    page.run(f"at('token').value = {json.dumps(token)}; at('ask').requestSubmit()")


def in_trouble(fleet: Fleet) -> None:
    """A backlog without a worker, dead letters, workers, and an hour of waits."""
    now = time.time()
    with fleet.broker.client() as client:
        for n in range(120):
            message = {"headers": {"fleet_published_at": now - 1030 + n}, "properties": {}}
            client.lpush("training", json.dumps(message))
        client.hset("fleet:dead:labeling", mapping={"a": "{}", "b": "{}"})
        with client.pipeline(transaction=False) as pipe:
            for minute in range(50):
                waits_s = [2.0 * n for n in range(20)]
                wait_history.add(pipe, "", "scraping", waits_s, now - 60 * minute)
            pipe.execute()
        store = PresenceStore(client, "")
        for n in range(15):
            # Letters without a place to break at, as a pod of a long name has.
            name = f"worker-scraping@{'abcdefghi' * 7}{n}"
            store.tell(presence(name, worker="scraping", queues=("scraping",)), expires_s=120)
        store.tell(presence(EVIL, queues=("labeling",), active=(), running=0), expires_s=120)


def cells(page: Page, table: str, first: str) -> list[str]:
    """What a table's row says whose first cell is this text."""
    rows = f"[...at('{table}').tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent))"
    (row,) = [row for row in page.run(rows) if row[0] == first]
    return [str(text) for text in row]


def test_the_page_shows_queues_workers_waits_and_warnings(
    fleet: Fleet, api: httpx.Client, page: Page
) -> None:
    in_trouble(fleet)
    for _ in range(3):
        create(api, "canary.work", "scraping", seconds=0)
    sign_in(page)
    page.until("!at('fleet').hidden")

    assert page.run("[...at('warnings').children].map((line) => line.textContent)") == [
        "queue training: no worker is connected, 120 waiting, the oldest for 17 minutes",
        "queue labeling: 2 in dead letters, to be looked at",
    ]
    assert page.run("at('state').textContent") == "degraded"
    training, scraping = cells(page, "queues", "training"), cells(page, "queues", "scraping")
    assert training[1:5] == ["120", "17 min", "0", "0"]
    assert (scraping[1], scraping[4]) == ("3", "15")
    assert cells(page, "queues", "labeling")[-1] == "2"
    caption = page.run("document.querySelector('#waits figcaption').textContent")
    assert caption.startswith("scraping1,000 tasks, up to 3")
    assert page.run("document.querySelectorAll('#waits path').length") == 2
    # Fifteen tasks run, more than a short list; it waits until the reader opens it.
    assert page.run("at('running').tBodies[0].rows.length") == 15
    assert not page.run("at('running-part').open")
    assert page.run("at('workers-count').textContent") == "16"
    # A name is text, whoever chose it.
    assert cells(page, "workers", EVIL)[1] == "labeling"
    assert page.run("document.images.length") == 0

    create(api, "canary.work", "scraping", seconds=0)
    page.until("[...at('queues').tBodies[0].rows].some((row) => row.cells[1].textContent === '4')")

    here = urlsplit(str(api.base_url)).netloc
    assert {urlsplit(url).netloc for url in page.asked} == {here}
    assert page.complaints == []


def test_the_token_is_asked_for_once_a_tab_and_forgotten_on_request(page: Page) -> None:
    page.until("!at('ask').hidden")
    assert page.run("at('fleet').hidden")

    sign_in(page, "wrong")
    page.until("!at('refused').hidden")
    assert page.run("sessionStorage.length") == 0

    sign_in(page)
    page.until("!at('fleet').hidden")
    page.call("Page.reload")
    page.until("document.readyState === 'complete' && !at('fleet').hidden")
    assert page.run("at('ask').hidden")
    assert page.run("localStorage.length") == 0
    assert page.run("document.cookie") == ""

    page.run("at('leave').click()")
    assert page.run("at('fleet').hidden")
    assert page.run("sessionStorage.length") == 0


def test_the_page_says_when_the_broker_is_away_and_when_it_is_back(
    fleet: Fleet, page: Page
) -> None:
    sign_in(page)
    page.until("at('state').textContent === 'healthy'")

    fleet.broker.close()
    page.until("at('state').textContent === 'broker away'", within_s=30)
    assert not page.run("at('fleet').hidden")

    fleet.broker.open(fleet.log("endpoint"))
    page.until("at('state').textContent === 'healthy'", within_s=30)


def test_the_page_fits_a_phone_and_a_desktop_dark_and_light(
    fleet: Fleet, page: Page, tmp_path: Path
) -> None:
    in_trouble(fleet)
    sign_in(page)
    page.until("!at('fleet').hidden")

    page.run("document.querySelectorAll('details').forEach((part) => { part.open = true; })")

    grounds = set()
    for width, height in (PHONE, DESKTOP):
        for scheme in ("light", "dark"):
            page.look_as(width, height, scheme)
            assert page.run("document.documentElement.scrollWidth") <= width
            assert page.run(TOO_WIDE) == []
            assert page.run(FAINT) == []
            ground = page.run("getComputedStyle(document.body).backgroundColor")
            grounds.add((scheme, ground))
            image = page.screenshot(tmp_path / f"{width}-{scheme}.png").read_bytes()
            scale = 2 if width == PHONE[0] else 1
            assert struct.unpack(">I", image[16:20]) == (width * scale,)
            assert len(image) > 10_000
    assert len(grounds) == 2


# Elements that something is cut off of, or that reach beyond the screen.
TOO_WIDE = """[...document.querySelectorAll('main *')].filter((e) => e.checkVisibility()
  && !e.closest('svg, thead') && (e.getBoundingClientRect().right > innerWidth + 1
  || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)))
  .map((e) => e.tagName + ' ' + e.textContent)"""

# Text whose contrast is below WCAG's 4.5 for small text.
FAINT = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
    && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  return texts.filter((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((e) => e.tagName + ' ' + e.textContent);
})()"""
