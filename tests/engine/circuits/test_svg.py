import xml.etree.ElementTree as ET

from app.engine.circuits.adapters.qiskit_read import describe, read
from app.engine.circuits.picture import picture_of
from app.engine.circuits.svg import svg_of

TEXT = (
    'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[1] c;\nh q[0];\nccx q[0],q[1],q[2];\nswap q[0],q[2];\nbarrier q;\n'
)


def test_a_drawing_is_svg_with_a_box_per_gate_and_a_dot_per_control():
    picture = picture_of(describe(read(TEXT + "c[0] = measure q[1];\nif (c[0]) rx(0.5) q[0];\n", "d")))
    root = ET.fromstring(svg_of(picture))
    tags = [child.tag.rpartition("}")[2] for child in root.iter()]
    assert tags.count("circle") == 2
    assert tags.count("path") == 2
    assert tags.count("rect") == 1 + 4
    assert [child.text for child in root.iter() if child.text and "if" in child.text] == ["Rx(0.5) if c[0]"]
