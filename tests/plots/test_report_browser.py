"""The page of a report in a real browser: on a phone, on a desk, in the dark."""

import pathlib
import urllib.parse

import numpy as np
import pytest
from browser import Browser, find_browser, open_browser
from reported_outputs import write_forecast, write_scores, write_tracks

from ngcm_cli.plots.report import report

PHONE, DESK = (390, 844), (1280, 900)
HOSTILE = '<script>alert(1)</script>"><img src=https://example.org/x onerror=alert(2)>'

# The contrast of every text with what is behind it (WCAG 2.2, success criterion 1.4.3).
CONTRAST = """
(() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim()) continue;
    const pair = [channels(getComputedStyle(element).color), behind(element)];
    const [a, b] = pair.map(luminance).sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), element.outerHTML.slice(0, 80)]);
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> pathlib.Path:
    """A report on outputs of several kinds, one of which is hostile."""
    find_browser()  # or nothing needs to be written
    folder = tmp_path_factory.mktemp("report")
    write_forecast(folder / "f.zarr", title=HOSTILE, notes="x" * 5000, model=HOSTILE)
    write_scores(folder / "s.nc")
    write_tracks(folder / "t #1.nc")
    outputs = (folder / name for name in ("f.zarr", "s.nc", "t #1.nc"))
    return report(*outputs, output=folder / "page.html")


@pytest.fixture(scope="module")
def browser(page, tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.show(*PHONE)
        opened.open(page)
        yield opened


def test_all_pictures_are_loaded_without_a_network(browser: Browser):
    widths = browser.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) >= 7 and min(widths) > 500
    schemes = {urllib.parse.urlsplit(address).scheme for address in browser.requests}
    assert schemes == {"file", "data"}
    assert browser.problems == []


@pytest.mark.parametrize("size", [(320, 568), PHONE, DESK])
def test_nothing_is_wider_than_the_screen(browser: Browser, size):
    browser.show(*size)
    page, window = browser.evaluate(
        "[document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert page <= window == size[0]
    # Open what is folded, too: attributes may be long.
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_pictures_use_the_screen(browser: Browser):
    for (width, height), columns in (PHONE, 1), (DESK, 2):
        browser.show(width, height)
        lefts = browser.evaluate(
            "[...document.querySelectorAll('.figures')][0].children.length && "
            "[...document.querySelectorAll('.figures')[0].children]"
            ".map(f => Math.round(f.getBoundingClientRect().left))"
        )
        assert len(set(lefts)) == columns


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read(browser: Browser, dark):
    browser.show(*PHONE, dark=dark)
    found = browser.evaluate(CONTRAST)
    assert len(found) > 100
    ratio, text = min(found)
    assert ratio >= 4.5, text
    page = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, page[4:-1].split(","))) < 3 * 128) == dark


def test_small_letters_are_not_too_small(browser: Browser):
    browser.show(*PHONE)
    sizes = browser.evaluate(
        "[...document.querySelectorAll('body *')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 14


def test_links_are_large_enough_to_touch(browser: Browser):
    """24 pixels: WCAG 2.2, success criterion 2.5.8."""
    browser.show(*PHONE)
    heights = browser.evaluate(
        "[...document.querySelectorAll('a, summary')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24


def test_a_screen_reader_finds_names(browser: Browser):
    pictures = browser.names("image")
    assert len(pictures) >= 7 and all(len(name) > 40 for name in pictures)
    assert any("near 53° N 90° E" in name for name in pictures)
    headings = browser.names("heading")
    assert headings[0] == "Report on 3 outputs"
    assert {"Figures", "Stability", "Scores", "Tracks"} <= {*headings}
    assert "Contents" in browser.names("navigation")
    assert all(browser.names("region"))


def test_wide_tables_are_reached_with_the_keyboard(browser: Browser):
    browser.show(*PHONE)
    wide = browser.evaluate(
        "[...document.querySelectorAll('*')].filter(e => "
        "e.scrollWidth > e.clientWidth + 1 && "
        "getComputedStyle(e).overflowX === 'auto').map(e => e.tabIndex)"
    )
    assert wide and set(wide) == {0}


def test_links_lead_to_the_data(browser: Browser, page):
    targets = browser.evaluate("[...document.links].map(link => link.href)")
    files = {t for t in targets if "#s" not in t}
    paths = {urllib.parse.unquote(urllib.parse.urlsplit(t).path) for t in files}
    assert paths == {str(page.with_name(x)) for x in ("f.zarr", "s.nc", "t #1.nc")}
    inside = {urllib.parse.urlsplit(t).fragment for t in targets} - {""}
    assert all(browser.evaluate(f"!!document.getElementById('{x}')") for x in inside)


def test_text_of_files_is_text(browser: Browser):
    assert browser.evaluate("document.scripts.length") == 0
    assert browser.evaluate("document.querySelectorAll('[onerror]').length") == 0
    titles = browser.evaluate(
        "[...document.querySelectorAll('h2')].map(h => h.textContent)"
    )
    assert titles[0] == HOSTILE


def test_the_screenshot_is_not_blank(browser: Browser, tmp_path):
    from matplotlib.image import imread

    browser.show(*DESK)
    browser.screenshot(tmp_path / "page.png")
    image = imread(tmp_path / "page.png")
    assert image.shape[1] == DESK[0] and image.shape[0] > 2 * DESK[1]
    assert len(np.unique(image[::7, ::7].reshape(-1, image.shape[2]), axis=0)) > 50
