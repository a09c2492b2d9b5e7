"""Operations on LANES numbers at once for compiled code: one row of LANES numbers is one explicit SIMD vector.

The loop vectoriser leaves rows this short scalar, so the two operations are written as LLVM vector code, which is lowered to
what the machine has (AVX, NEON). Arrays are C-contiguous, rows LANES long, all of one type: int16 or float32.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32


def _data(context: Any, builder: Any, array_type: Any, value: Any) -> Any:
    return context.make_array(array_type)(context, builder, value).data


def _vector_at(builder: Any, data: Any, index: Any, number: Any, bits: int) -> tuple[Any, int]:
    """Return a pointer to the LANES numbers that start at `index`, and its alignment in bytes."""
    place = builder.bitcast(builder.gep(data, [index]), ir.VectorType(number, LANES).as_pointer())
    return place, bits // 8


def _spread(builder: Any, value: Any, vector: Any) -> Any:
    """Return a vector with `value` in every lane."""
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


class _Numbers:
    """The vector arithmetic of one number type."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.builder, self.real = builder, isinstance(dtype, types.Float)
        self.number = context.get_value_type(dtype)
        self.bits = dtype.bitwidth
        self.vector = ir.VectorType(self.number, LANES)

    def load(self, data: Any, index: Any) -> Any:
        place, align = _vector_at(self.builder, data, index, self.number, self.bits)
        return self.builder.load(place, align=align)

    def store(self, value: Any, data: Any, index: Any) -> None:
        place, align = _vector_at(self.builder, data, index, self.number, self.bits)
        self.builder.store(value, place, align=align)

    def constant(self, value: int) -> Any:
        return ir.Constant(self.vector, [float(value) if self.real else value] * LANES)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b) if self.real else self.builder.mul(a, b)

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b) if self.real else self.builder.add(a, b)

    def at_least(self, a: Any, b: Any) -> Any:
        return self.builder.fcmp_ordered(">=", a, b) if self.real else self.builder.icmp_signed(">=", a, b)


@intrinsic
def turn_row(typing: Any, spins: Any, fields: Any, row: Any, limits: Any, at: Any, step: Any) -> Any:  # noqa: PLR0917 - as numba calls it
    """Flip the lanes of `row` where s f >= limits[at + lane]; `step` gets the changes -2 s or 0; tells whether any flipped."""
    del typing, row, at

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = _Numbers(context, builder, signature.args[0].dtype)
        data = [_data(context, builder, signature.args[k], args[k]) for k in (0, 1, 3, 5)]
        index = builder.mul(args[2], ir.Constant(args[2].type, LANES))
        s = numbers.load(data[0], index)
        flips = numbers.at_least(numbers.times(s, numbers.load(data[1], index)), numbers.load(data[2], args[4]))
        change = builder.select(flips, numbers.times(s, numbers.constant(-2)), numbers.constant(0))
        numbers.store(numbers.plus(s, change), data[0], index)
        numbers.store(change, data[3], ir.Constant(args[2].type, 0))
        mask = builder.bitcast(flips, ir.IntType(LANES))
        return builder.icmp_unsigned("!=", mask, ir.Constant(mask.type, 0))

    return types.boolean(spins, fields, types.int64, limits, types.int64, step), generate


@intrinsic
def spread_row(typing: Any, fields: Any, others: Any, strength: Any, first: Any, last: Any, step: Any) -> Any:  # noqa: PLR0917
    """Add strength[e] * step to the row others[e] of `fields` for e from `first` up to `last`."""
    del typing, first, last

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = _Numbers(context, builder, signature.args[0].dtype)
        rows, targets, weights, steps = (_data(context, builder, signature.args[k], args[k]) for k in (0, 1, 2, 5))
        change = numbers.load(steps, ir.Constant(args[3].type, 0))
        with cgutils.for_range_slice(builder, args[3], args[4], ir.Constant(args[3].type, 1), args[3].type) as (e, _):
            j = builder.zext(builder.load(builder.gep(targets, [e])), args[3].type)
            index = builder.mul(j, ir.Constant(j.type, LANES))
            weight = _spread(builder, builder.load(builder.gep(weights, [e])), numbers.vector)
            numbers.store(numbers.plus(numbers.load(rows, index), numbers.times(weight, change)), rows, index)
        return context.get_dummy_value()

    return types.void(fields, others, strength, types.int64, types.int64, step), generate


@intrinsic
def ready(typing: Any, spins: Any, fields: Any, limits: Any, at: Any, place: Any) -> Any:  # noqa: PLR0917
    """Return a mask (int64) of the LANES spins from `at` on: bit k is set where s f >= limits[place + k]."""
    del typing, at, place

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = _Numbers(context, builder, signature.args[0].dtype)
        data = [_data(context, builder, signature.args[k], args[k]) for k in (0, 1, 2)]
        product = numbers.times(numbers.load(data[0], args[3]), numbers.load(data[1], args[3]))
        flips = numbers.at_least(product, numbers.load(data[2], args[4]))
        return builder.zext(builder.bitcast(flips, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(spins, fields, limits, types.int64, types.int64), generate


@intrinsic
def first_bit(typing: Any, mask: Any) -> Any:
    """Return the place of the lowest bit that is set; `mask` (int64) is not 0."""
    del typing, mask

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate
