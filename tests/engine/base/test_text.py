"""Texts in other languages: chosen by the source, with plurals, and a language made to find what was not translated."""

import os

import pytest

from app.engine.base import text
from app.engine.base.platform import system_language
from app.engine.base.text import pseudo, tr, use_catalogue, use_language


@pytest.fixture(autouse=True)
def _english_again():
    yield
    use_language("en")


def test_a_text_without_an_entry_is_its_own_translation():
    use_catalogue({"Start {name}": "{name} starten"})
    assert tr("Start {name}", name="Pumpe") == "Pumpe starten"
    assert tr("Stop {name}", name="pump") == "Stop pump"
    assert tr("100 % {sure}") == "100 % {sure}"


@pytest.mark.parametrize(("n", "said"), [(0, "0 Knoten da"), (1, "ein Knoten da"), (7, "7 Knoten da")])
def test_the_value_n_chooses_the_plural(n, said):
    use_catalogue({"{n} nodes": {"one": "ein Knoten da", "other": "{n} Knoten da"}})
    assert tr("{n} nodes", n=n) == said


def test_pseudo_keeps_fields_is_longer_and_stands_between_brackets():
    assert pseudo("Start {name} now") == "⟦Šţåřţ {name} ñöw···⟧"
    assert pseudo("{a} · {b}") == "{a} · {b}"
    use_language("pseudo")
    assert tr("Start {name} now", name="a") == "⟦Šţåřţ a ñöw···⟧"


def test_an_unknown_language_is_english_and_workers_are_told():
    assert use_language("tlh") == "en"
    assert text.language() == "en"
    use_language("pseudo")
    assert os.environ["OUTPOST_LANGUAGE"] == "pseudo"


@pytest.mark.parametrize(
    ("asked", "code"), [("de_DE.UTF-8", "de"), ("de", "de"), ("C.UTF-8", "c"), ("en_GB", "en"), ("", "en"), ("de-CH", "de")]
)
def test_the_system_language_is_read_as_the_shell_writes_it(monkeypatch, asked, code):
    for name in ("LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", asked)
    assert system_language() == code
    assert use_language("system") == (code if code in text.CODES else "en")
