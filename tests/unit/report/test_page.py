"""The shell of pages: nothing of a stranger's text runs, every part is there, every language has every word."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from cblcast.errors import StudyError
from cblcast.report.drawing import chart
from cblcast.report.page import Bullets, Facts, Folded, Page, Prose, Section, Source, Tiles, sections, table
from cblcast.report.words import LANGUAGES, words_of

HOSTILE = "<script>alert('x')</script>\"'&$x_{"
VOID = {"meta", "link", "br", "path", "use", "hr"}


class Balanced(HTMLParser):
    """Tags that are opened and closed, ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def page(language: str = "en", text: str = HOSTILE, *, alive: bool = False) -> Page:
    def draw(figure, slim):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label=text)
        axes.set_title(text)
        axes.legend()

    rows = table(text, [text, "kW"], [[text, "1"], ["b", "2"]], marked=[0], totals=[["all", "3"]])
    parts = (
        Prose(text, "lead"),
        Prose(text, "warning"),
        Bullets((text,)),
        Facts(((text, text),)),
        Tiles(((text, text, text),)),
        rows,
        chart(draw, caption=text, says=text, figures=rows),
        *([chart(draw, caption=text + text, says=text, live={"charts": [{"title": text}]})] if alive else []),
        Source(text, text),
        Folded(text, (rows,)),
    )
    return Page(
        text,
        text,
        words_of(language),
        sections(Section("one", text, parts, in_mail=True)),
        dt.datetime(2024, 5, 1, 12, 0, tzinfo=dt.UTC),
        text,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_whole_and_runs_nothing(language):
    html = page(language).html()
    found = Balanced()
    found.feed(html)
    assert found.open == []
    assert "script" not in found.tags
    assert len(found.ids) == len(set(found.ids))
    assert f'<html lang="{language}">' in html
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", html)  # nothing is fetched, and nothing leads away
    assert not re.search(r"url\((?!#)", html)


def test_a_page_with_charts_under_the_pointer_holds_one_script_and_names_it_by_its_hash():
    html = page(alive=True).html()
    found = Balanced()
    found.feed(html)
    assert found.open == []
    assert found.tags.count("script") == 2  # the figures, and what draws them
    policy = re.search(r"Content-Security-Policy\" content=\"([^\"]+)\"", html)[1]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    text = html[html.index("<script>") + len("<script>") : html.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert policy.endswith(f"script-src 'sha256-{digest}'")
    assert "script" not in page(alive=True).mail()[len("<!doctype") :].replace("&lt;script&gt;", "").replace(
        "&lt;/script&gt;", ""
    )


def test_a_summary_is_whole_small_and_without_pictures():
    mail = page().mail()
    found = Balanced()
    found.feed(mail)
    assert found.open == []
    assert {"script", "svg", "style", "img"}.isdisjoint(found.tags)
    assert len(mail.encode()) < 100_000


def test_every_word_is_there_in_every_language_with_the_same_places():
    with (files("cblcast.report") / "words.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["key"] for row in rows}) == len(rows)
    for row in rows:
        places = {language: set(re.findall(r"{(\w+)}", row[language])) for language in LANGUAGES}
        assert all(row[language].strip() for language in LANGUAGES), row["key"]
        assert len({frozenset(each) for each in places.values()}) == 1, (row["key"], places)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "−12,345.68"), ("de", "−12.345,68"), ("fr", "−12\u202f345,68"), ("es", "−12.345,68"), ("it", "−12.345,68")],
)
def test_numbers_as_the_language_writes_them(language, text):
    assert words_of(language).number(-12345.678, 2) == text


def test_what_is_no_number_is_a_dash_and_nothing_is_minus_zero():
    words = words_of()
    assert [words.number(value, 1) for value in (None, float("nan"), float("inf"), -0.04)] == ["–", "–", "–", "0.0"]


def test_a_language_that_there_is_none_of():
    with pytest.raises(StudyError, match="there is no page in 'nl'"):
        words_of("nl")
