"""Constants and counted loops of an OpenQASM 3 tree, worked out before Qiskit's importer sees it.

The importer (qiskit-qasm3-import 0.6) knows neither `const` nor a loop variable as an index, and both are everyday
OpenQASM 3 (Cross and others, 2022, sections 3 and 5), so constants are put in and such loops are unrolled here.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openqasm3 import ast

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.guard import MOST_BITS, MOST_QUBITS

# What the importer gets through in about three seconds, each by itself (qiskit-qasm3-import 0.6 on one core of 2024).
MOST_STATEMENTS = 30_000
MOST_OPENED = 15_000  # it copies the definition of a gate, and all in it, wherever the gate is used
MOST_SPREAD = 100_000  # operations made of statements that name whole registers
_INTEGER: Mapping[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "**": lambda a, b: a**b if 0 <= b <= 62 and abs(a) <= 2**31 else None,
    "%": lambda a, b: a % b if b > 0 else None,
    "<<": lambda a, b: a << b if 0 <= b <= 62 else None,
}
Env = dict[str, Any]
_HINT = "Write it as OpenQASM 2 or QPY, which are read far more quickly."


class Folder:
    """Rewrites a program: constants replaced, integer expressions folded, loops with a used variable unrolled."""

    def __init__(self, name: str, plain: frozenset[int] = frozenset()) -> None:
        """`plain` are ids of statements in which nothing can be replaced or folded."""
        self._name, self._plain = name, plain
        self._left = MOST_STATEMENTS
        self._sizes: dict[str, int] = {}  # operations of each gate that the text defines
        self._registers: dict[str, int] = {}  # bits of each register, at most, of an alias
        self._bits = self._opened = self._spread = 0

    def program(self, program: Any) -> Any:
        """Return `program` rewritten; raise `Limit` when unrolling makes too many statements."""
        return ast.Program(statements=self._block(program.statements, {}), version=program.version)

    def _block(self, statements: Iterable[Any], outer: Env) -> list[Any]:
        env, made = dict(outer), []
        for statement in statements:
            self._spend(statement)
            if id(statement) in self._plain:
                made.append(self._counted(statement))
            elif isinstance(statement, ast.ConstantDeclaration):
                env[statement.identifier.name] = self._put(statement.init_expression, env)
            elif isinstance(statement, ast.ForInLoop):
                made += self._loop(statement, env)
            elif isinstance(statement, ast.BranchingStatement):
                made.append(self._branch(statement, env))
            elif isinstance(statement, ast.WhileLoop):
                made.append(_like(statement, ast.WhileLoop(
                    self._put(statement.while_condition, env), self._block(statement.block, env))))  # fmt: skip
            elif isinstance(statement, ast.QuantumGateDefinition):
                made.append(self._defined(statement, env))
            else:
                made.append(self._counted(self._checked(self._put(statement, env))))
        return made

    def _defined(self, statement: Any, env: Env) -> Any:
        own = {each.name for each in (*statement.arguments, *statement.qubits)}
        made = self._put(statement, {key: value for key, value in env.items() if key not in own})
        self._sizes[made.name.name] = max(1, sum(map(self._size, made.body)))
        self._open(self._sizes[made.name.name])
        return made

    def _counted(self, statement: Any) -> Any:
        """Return `statement`; raise `Limit` when what the importer makes of it and of those before is too much."""
        times = self._times(statement)
        if times > 1:
            self._spread += times
        if self._spread > MOST_SPREAD:
            raise Limit("{file}, line {line}, column {column}: statements on whole registers make more than {most} operations",
                        file=self._name, **place_of(statement), most=MOST_SPREAD, hint=_HINT)  # fmt: skip
        self._open(self._size(statement) * times if self._size(statement) > 1 else 0)
        return statement

    def _open(self, size: int) -> None:
        """Count the operations the importer copies for a gate that is defined or used."""
        self._opened += size if size > 1 else 0
        if self._opened > MOST_OPENED:
            raise Limit("{file}: its gates are defined by more than {most} operations, each of which is copied when "
                        "OpenQASM 3 is read", file=self._name, most=MOST_OPENED, hint=_HINT)  # fmt: skip

    def _times(self, statement: Any) -> int:
        """Return how many operations a statement stands for, or bits for a barrier."""
        if isinstance(statement, ast.QuantumGate):
            return max(map(self._width, statement.qubits), default=1)
        if isinstance(statement, ast.QuantumBarrier):
            return sum(map(self._width, statement.qubits))
        if isinstance(statement, ast.QuantumReset):
            return self._width(statement.qubits)
        return self._width(statement.measure.qubit) if isinstance(statement, ast.QuantumMeasurementStatement) else 1

    def _width(self, operand: Any) -> int:
        if isinstance(operand, ast.Identifier):
            return self._registers.get(operand.name, 1)
        indices = operand.indices if isinstance(operand, ast.IndexedIdentifier) else []
        single = all(isinstance(one, list) and all(_integer(at) is not None for at in one) for one in indices)
        return 1 if single else self._registers.get(operand.name.name, 1)

    def _size(self, statement: Any) -> int:
        if not isinstance(statement, ast.QuantumGate):
            return 1
        powers = (_integer(one.argument) for one in statement.modifiers if one.modifier.name == "pow")
        return self._sizes.get(statement.name.name, 1) * math.prod(max(1, abs(power or 1)) for power in powers)

    def _spend(self, statement: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise Limit("{file}, line {line}, column {column}: with its loops written out, it has more than {most} statements",
                        file=self._name, **place_of(statement), most=MOST_STATEMENTS, hint=_HINT)  # fmt: skip

    def _branch(self, statement: Any, env: Env) -> Any:
        return _like(statement, ast.BranchingStatement(
            self._put(statement.condition, env), self._block(statement.if_block, env),
            self._block(statement.else_block, env)))  # fmt: skip

    def _loop(self, loop: Any, env: Env) -> list[Any]:
        values = self._values(self._put(loop.set_declaration, env))
        variable = loop.identifier.name
        if values is None or _jumps(loop.block) or not any(_uses(statement, variable) for statement in loop.block):
            inner = {key: value for key, value in env.items() if key != variable}
            kept = copy.copy(loop)
            kept.set_declaration, kept.block = self._put(loop.set_declaration, env), self._block(loop.block, inner)
            return [kept]
        made: list[Any] = []
        for value in values:
            self._spend(loop)
            made += self._block(loop.block, {**env, variable: ast.IntegerLiteral(value)})
        return made

    def _values(self, declared: Any) -> Iterable[int] | None:
        """Return the integers a loop runs over (a range includes its end), or None when they are not constant."""
        if isinstance(declared, ast.DiscreteSet):
            numbers = [_integer(value) for value in declared.values]
            return None if None in numbers else [number for number in numbers if number is not None]
        if not isinstance(declared, ast.RangeDefinition):
            return None
        step = 1 if declared.step is None else _integer(declared.step)
        start, end = _integer(declared.start), _integer(declared.end)
        if start is None or end is None or not step:
            return None
        return range(start, end + (1 if step > 0 else -1), step)

    def _put(self, node: Any, env: Env) -> Any:
        """Return `node` with names in `env` replaced and integer arithmetic done; the given tree stays as it is."""
        if isinstance(node, list):
            return [self._put(item, env) for item in node]
        if not dataclasses.is_dataclass(node) or isinstance(node, (type, ast.Span)):
            return node
        if isinstance(node, ast.Identifier):
            return _like(node, copy.copy(env[node.name])) if node.name in env else node
        fresh = copy.copy(node)
        for item in dataclasses.fields(node):
            if not _is_name_slot(node, item.name):
                setattr(fresh, item.name, self._put(getattr(node, item.name), env))
        number = _integer(fresh)
        return fresh if number is None else _like(node, ast.IntegerLiteral(number))

    def _checked(self, statement: Any) -> Any:
        """Return a statement whose registers, all together, are not too large; raises `BadInput` with its place."""
        if isinstance(statement, ast.AliasStatement):
            self._registers[statement.target.name] = self._bits
        declared = isinstance(statement, (ast.QubitDeclaration, ast.ClassicalDeclaration))
        if not declared:
            return statement
        size = _integer(getattr(statement, "size", None) or getattr(getattr(statement, "type", None), "size", None))
        width = 1 if size is None else max(1, size)
        self._bits += width
        if width > MOST_QUBITS or self._bits > MOST_BITS:
            large, most = (width, MOST_QUBITS) if width > MOST_QUBITS else (self._bits, MOST_BITS)
            raise BadInput("{file}, line {line}, column {column}: registers of {size} are larger than the {most} allowed",
                           file=self._name, **place_of(statement), size=large, most=most)  # fmt: skip
        self._registers[(statement.qubit if isinstance(statement, ast.QubitDeclaration) else statement.identifier).name] = width
        return statement


def place_of(node: Any) -> dict[str, Any]:
    """Return line and column a tree node starts at, from 1; 0 when it is not known."""
    span = getattr(node, "span", None)
    return {"line": span.start_line if span else 0, "column": span.start_column + 1 if span else 0}


def _like(old: Any, new: Any) -> Any:
    new.span = old.span
    return new


def _is_name_slot(node: Any, slot: str) -> bool:
    """Tell whether a slot names something that is declared or called: never a constant to be put in."""
    if slot in ("span", "annotations", "identifier"):
        return True
    if slot == "name":
        return isinstance(node, (ast.QuantumGate, ast.QuantumGateDefinition, ast.IndexedIdentifier))
    return slot in ("arguments", "qubits", "qubit") and isinstance(node, (ast.QuantumGateDefinition, ast.QubitDeclaration))


def _integer(node: Any) -> int | None:
    if isinstance(node, ast.IntegerLiteral):
        return int(node.value)
    if isinstance(node, ast.UnaryExpression) and node.op.name == "-":
        inner = _integer(node.expression)
        return None if inner is None else -inner
    if isinstance(node, ast.BinaryExpression) and node.op.name in _INTEGER:
        left, right = _integer(node.lhs), _integer(node.rhs)
        if left is not None and right is not None:
            return _INTEGER[node.op.name](left, right)
    return None


def _nodes(node: Any) -> Iterable[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif dataclasses.is_dataclass(node) and not isinstance(node, (type, ast.Span)):
        yield node
        for item in dataclasses.fields(node):
            yield from _nodes(getattr(node, item.name))


def _uses(node: Any, variable: str) -> bool:
    return any(isinstance(each, ast.Identifier) and each.name == variable for each in _nodes(node))


def _jumps(block: Any) -> bool:
    return any(isinstance(each, (ast.BreakStatement, ast.ContinueStatement)) for each in _nodes(block))
