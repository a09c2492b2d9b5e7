"""Redaction: what a stranger must not read is gone, what a report needs is there."""

from pathlib import Path

import pytest

from app.engine.base.redact import REMOVED, redact, redact_json
from app.wire.pairing import new_code

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHN5bnRoZXRpYyBrZXkgZm9yIHRlc3RzISEh\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key: {PEM} end", "MC4CAQAwBQYDK2Vw"),
        ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
        ("GET http://ada:hunter22@node:80/v1", "hunter22"),
        ('{"password": "correct horse", "n": 1}', "correct horse"),
        ("api_key=sk9fj3kd", "sk9fj3kd"),
        ("SEAL_KEY = 'aaaa bbbb'", "aaaa bbbb"),
        ("--code ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345", "NPQR"),
        ("digest " + "9f" * 32, "9f9f9f9f"),
        ("token Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUo0", "Zm9vYmFy"),
        ("opened /home/ada/outpost/graph.txt", "ada"),
        (r"opened C:\Users\ada\graph.txt", "ada"),
        (f"opened {Path.home() / 'graph.txt'}", str(Path.home())),
    ],
)
def test_what_is_secret_is_gone(text, secret):
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "ab" * 32,
        "0198f3c2-7a10-7b3c-9d2e-1234567890ab",
        "G9.txt, line 7: expected two node numbers",
        "app.engine.learning.adapters.onnx_export.write_the_model_of_the_federation",
        "exit code 2 of 7 nodes",
    ],
)
def test_what_a_report_needs_stays(text):
    assert redact(text) == text


def test_every_fresh_pairing_code_is_known():
    for _ in range(50):
        code = new_code()
        assert code not in redact(f"the node shows {code} now")


def test_secrets_and_places_that_are_known_are_taken_out_wherever_they_stand():
    text = redact("xxplainxx in /srv/outpost/logs", secrets=["plain"], places={"/srv/outpost": "HOME"})
    assert text == f"xx{REMOVED}xx in HOME/logs"


def test_a_document_loses_the_values_of_telling_names_only():
    document = {
        "user.password": "a",
        "args": [{"code": "b", "count": 3}],
        "exit_code": 2,
        "path": Path("/home/ada/x"),
        "none": None,
    }
    assert redact_json(document) == {
        "user.password": REMOVED, "args": [{"code": REMOVED, "count": 3}], "exit_code": 2, "path": "~/x", "none": None,
    }  # fmt: skip
