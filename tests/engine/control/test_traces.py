from pathlib import Path

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.control.traces import read_trace

TRACES = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces"


def written(folder, text):
    path = folder / "trace.csv"
    path.write_text(text)
    return path


def test_seconds_and_dates_with_and_without_a_heading(tmp_path):
    assert read_trace(written(tmp_path, "3.5,x\n1\n2,y\n")).tolist() == [1.0, 2.0, 3.5]
    times = read_trace(written(tmp_path, "TIMESTAMP,n\n2023-11-16 18:17:03.9799600,1\n2023-11-16T18:17:04.98\n"))
    assert np.diff(times) == pytest.approx([1.00004])
    assert read_trace(written(tmp_path, "1970-01-01T00:00:01Z\n1970-01-01T01:00:02+01:00\n")).tolist() == [1.0, 2.0]


def test_a_series_of_rates_becomes_arrivals_in_proportion(tmp_path):
    times = read_trace(written(tmp_path, "timestamp,value\n0,1\n10,3\n20,0\n30,0\n"))
    assert np.mean(times < 10) == pytest.approx(0.25, abs=0.01)
    assert times.max() <= 20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("t\n1\nsoon\n", "line 3: 'soon' is no time stamp"),
        ("timestamp,value\n1,2\n2,-1\n", "line 3: expected a rate"),
        ("timestamp,value\n1\n", "line 2: expected a rate"),
        ("t\n1\n", "no two time stamps"),
        ("", "no two time stamps"),
        ("t\n1\nnan\n", "line 3"),
        ("timestamp,value\n0,0\n1,0\n", "no rate above 0"),
        ("timestamp,value\n0,1e308\n1,1e308\n9,1\n", "too large to be added up"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, told):
    with pytest.raises(BadInput, match=told):
        read_trace(written(tmp_path, text))


def test_no_file_and_no_text_are_told(tmp_path):
    with pytest.raises(Missing, match="no file"):
        read_trace(tmp_path / "nothing.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput):
        read_trace(tmp_path / "b.csv")


@pytest.mark.skipif(not TRACES.is_dir(), reason="no shared traces here")
def test_real_traces_are_read():
    arrivals = read_trace(TRACES / "AzureLLMInferenceTrace_code.csv")
    assert len(arrivals) == 8819
    assert 3000 < arrivals[-1] - arrivals[0] < 4000
    assert len(read_trace(TRACES / "nab" / "elb_request_count_8c0756.csv")) == 20_000
