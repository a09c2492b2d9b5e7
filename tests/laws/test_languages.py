"""German is complete, and no translation loses a field of its source.

`python -m tests.laws.texts de` lists what has no entry yet, to be filled in under resources/languages/de.json.
"""

import string

import pytest

from app.engine.base.text import read_catalogue
from tests.laws.texts import missing, texts


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def forms(entry):
    return [entry] if isinstance(entry, str) else list(entry.values())


def test_every_text_has_a_german_one():
    left = missing("de")
    assert left == {}, "python -m tests.laws.texts de lists what has no German entry in resources/languages/de.json"


@pytest.mark.parametrize("code", ["de", "en"])
def test_a_translation_has_the_fields_of_its_source_and_is_not_empty(code):
    known = texts()
    wrong = {
        source: form for source, entry in read_catalogue(code).items() if source in known and '{"' not in source
        for form in forms(entry) if not form.strip() or not fields(form) <= fields(source)
    }  # fmt: skip
    assert wrong == {}


@pytest.mark.parametrize("code", ["de", "en"])
def test_a_plural_has_both_forms(code):
    assert [
        s for s, entry in read_catalogue(code).items() if not isinstance(entry, str) and set(entry) != {"one", "other"}
    ] == []
