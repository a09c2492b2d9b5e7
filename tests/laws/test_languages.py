"""German is complete where the texts have settled, and no translation loses a field of its source.

`python -m tests.laws.texts de` lists what has no entry yet; a part is added to SETTLED when its list is empty.
"""

import string

import pytest

from app.engine.base.text import read_catalogue
from tests.laws.texts import missing, texts

SETTLED = (
    "app/engine/base", "app/engine/observe", "app/engine/store", "app/engine/home", "app/views/overview",
    "app/views/activity", "app/views/claims", "app/views/shell/notices", "app/views/shell/pending", "app/views/shell/tray",
    "app/views/shell/status_line", "app/views/shell/activity_dock",
)  # fmt: skip


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def forms(entry):
    return [entry] if isinstance(entry, str) else list(entry.values())


def test_every_settled_text_has_a_german_one():
    assert {text: place for text, place in missing("de").items() if place.startswith(SETTLED)} == {}


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
