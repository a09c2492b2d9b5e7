import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.wire.status import Status
from app.wire.telemetry import Measurement, TelemetryPage

RATIO = st.none() | st.floats(0, 1)
ITEMS = st.builds(
    Measurement, seq=st.integers(1, 100), at_us=st.integers(0, 1 << 60), cpu_ratio=RATIO, latency_p99_s=RATIO,
    inference_count=st.integers(0, 10), resources=st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=3),
    metrics=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    extra=st.dictionaries(st.just("newer"), st.integers()),
)  # fmt: skip


STATUS = Status("d", "n", "1.0", 5, 4, "e", 3, 2, 1.0)


@given(
    st.lists(ITEMS, max_size=5, unique_by=lambda item: item.seq), st.none() | st.just(STATUS),
    st.dictionaries(st.just("newer"), st.text()),
)  # fmt: skip
def test_a_page_survives_json_with_what_a_newer_node_added(items, status, extra):
    items = tuple(sorted(items, key=lambda item: item.seq))
    page = TelemetryPage("epoch", items, items[-1].seq + 1 if items else 1, ((1, 2),), status, extra)
    again = TelemetryPage.from_json(json.loads(json.dumps(page.to_json())))
    assert again == page
    assert again.cursor == page.next_seq - 1


@pytest.mark.parametrize(
    "changed",
    [
        {"items": [{"seq": 2, "at_us": 1}, {"seq": 2, "at_us": 1}]},
        {"items": [{"seq": 3, "at_us": 1}]},
        {"items": [3]},
        {"items": {}},
        {"items": [{"seq": -1, "at_us": 1}]},
        {"items": [{"seq": True, "at_us": 1}]},
        {"items": [{"seq": 1, "at_us": 1, "cpu_ratio": "hot"}]},
        {"items": [{"seq": 1, "at_us": 1, "cpu_ratio": float("inf")}]},
        {"epoch": None},
        {"next_seq": "3"},
        {"lost": [[3, 1]]},
        {"lost": [[1]]},
        {"status": {"device": "d"}},
        {"status": 3},
    ],
)
def test_a_malformed_page_is_bad_input(changed):
    with pytest.raises(BadInput):
        TelemetryPage.from_json({"epoch": "e", "items": [], "next_seq": 3, "lost": [], **changed})


def test_an_absent_field_is_unknown_not_zero():
    assert Measurement.from_json({"seq": 1, "at_us": 2}).cpu_ratio is None
