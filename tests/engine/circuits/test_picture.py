from hypothesis import given
from hypothesis import strategies as st

from app.engine.circuits.picture import depth_of, label_of, picture_of, schedule, span_of
from app.engine.circuits.records import Circuit, Op

QUBITS, CLBITS = 5, 3


@st.composite
def operations(draw):
    qubits = draw(st.lists(st.integers(0, QUBITS - 1), min_size=1, max_size=3, unique=True))
    clbits = draw(st.lists(st.integers(0, CLBITS - 1), max_size=1))
    return Op(draw(st.sampled_from(["h", "cx", "barrier", "measure"])), tuple(qubits), (), tuple(clbits))


circuits = st.lists(operations(), max_size=40).map(
    lambda ops: Circuit("c", tuple(f"q[{i}]" for i in range(QUBITS)), tuple(f"c[{i}]" for i in range(CLBITS)), tuple(ops))
)


@given(circuits)
def test_no_two_operations_of_a_column_share_a_wire_of_their_spans(circuit):
    taken = set()
    for op, column in zip(circuit.ops, schedule(circuit), strict=True):
        first, last = span_of(op, QUBITS)
        cells = {(column, wire) for wire in range(first, last + 1)}
        assert not cells & taken
        taken |= cells


@given(circuits)
def test_the_order_of_operations_on_each_wire_is_kept(circuit):
    places = schedule(circuit)
    for wire in range(QUBITS):
        columns = [place for op, place in zip(circuit.ops, places, strict=True) if wire in op.qubits]
        assert columns == sorted(set(columns))


@given(circuits)
def test_every_operation_is_drawn_once_and_no_column_is_empty(circuit):
    picture = picture_of(circuit)
    assert sum(len(column) for column in picture["columns"]) == len(circuit.ops)
    assert all(picture["columns"])
    assert sum(picture["counts"].values()) == picture["size"] == len(circuit.ops)


@given(circuits)
def test_the_depth_is_at_most_the_number_of_columns(circuit):
    assert depth_of(circuit) <= len(picture_of(circuit)["columns"])


def test_a_bell_pair_takes_two_columns_and_its_measurements_two_more():
    ops = (Op("h", (0,)), Op("cx", (0, 1), controls=1), Op("measure", (0,), clbits=(0,)), Op("measure", (1,), clbits=(1,)))
    picture = picture_of(Circuit("bell", ("q[0]", "q[1]"), ("c[0]", "c[1]"), ops))
    assert [[cell["name"] for cell in column] for column in picture["columns"]] == [["h"], ["cx"], ["measure"], ["measure"]]
    assert picture["depth"] == 3
    assert picture["columns"][1][0]["controls"] == [0]
    assert picture["columns"][1][0]["targets"] == [1]


def test_a_barrier_takes_a_column_but_no_depth():
    picture = picture_of(Circuit("c", ("q",), (), (Op("h", (0,)), Op("barrier", (0,)), Op("h", (0,)))))
    assert (len(picture["columns"]), picture["depth"]) == (3, 2)


def test_a_circuit_past_the_limit_tells_how_much_is_not_drawn():
    picture = picture_of(Circuit("c", ("q",), (), (Op("h", (0,)),) * 10), most_ops=4)
    assert (len(picture["columns"]), picture["left_out"], picture["size"]) == (4, 6, 10)


def test_labels_are_the_fields_own_signs():
    assert [label_of(Op(name, (0,))) for name in ("h", "sdg", "reset", "rz", "majority")] == [
        "H",
        "S†",
        "|0⟩",
        "Rz",
        "Majority",
    ]
