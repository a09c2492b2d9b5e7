import math

from app.engine.circuits.picture import picture_of
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.textual import histogram_text, summary_text, text_of


def drawn(*ops, clbits=(), width=120):
    return text_of(picture_of(Circuit("c", ("q[0]", "q[1]", "q[2]"), clbits, ops)), width)


def test_a_controlled_gate_joins_its_wires_and_crosses_those_between():
    assert drawn(Op("h", (0,)), Op("cx", (0, 2), controls=1)).splitlines() == [
        "q[0]: ──[H]───●──",
        "              │",
        "q[1]: ────────┼──",
        "              │",
        "q[2]: ───────[X]─",
    ]


def test_a_measurement_falls_to_its_bit_and_an_angle_stands_in_its_box():
    text = drawn(Op("rz", (1,), (math.pi / 2,)), Op("measure", (1,), clbits=(0,)), clbits=("c[0]",))
    assert "[Rz(π/2)]" in text
    assert text.splitlines()[-1].startswith("bits: ═")
    assert "c[0]" in text.splitlines()[-1]
    assert "╫" in text


def test_conditions_and_open_controls_are_told():
    text = drawn(
        Op("cx", (0, 1), controls=1, open_controls=(0,)), Op("x", (2,), clbits=(0,), condition="c[0]"), clbits=("c[0]",)
    )
    assert "○" in text
    assert "?c[0]" in text


def test_a_wide_circuit_is_cut_into_blocks_no_wider_than_asked():
    text = drawn(*[Op("h", (0,))] * 60, width=60)
    assert len(text.split("\n\n")) > 1
    assert max(map(len, text.splitlines())) <= 60


def test_the_middles_of_a_column_stand_in_one_line():
    lines = drawn(Op("swap", (0, 2)), Op("ccx", (0, 1, 2), controls=2)).splitlines()
    assert lines[0].index("×") == lines[1].index("│") == lines[4].index("×")


def test_bars_are_ordered_and_the_rest_is_counted():
    text = histogram_text({"00": 30, "11": 60, "01": 10}, most=2, width=10)
    assert text.splitlines() == ["11  ██████████ 60 (60.0%)", "00  █████ 30 (30.0%)", "… 1 more outcomes, 10 shots"]


def test_the_summary_names_width_depth_and_gates():
    picture = picture_of(Circuit("c", ("a", "b"), (), (Op("h", (0,)), Op("h", (1,)), Op("x", (0,)))))
    assert summary_text(picture) == "2 qubits · depth 2 · 3 operations: h 2, x 1"
