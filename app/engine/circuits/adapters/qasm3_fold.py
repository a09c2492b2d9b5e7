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
from app.engine.circuits.adapters import expanded
from app.engine.circuits.guard import MOST_QUBITS

MOST_STATEMENTS = 50_000
_INTEGER: Mapping[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "**": lambda a, b: a**b if 0 <= b <= 62 and abs(a) <= 2**31 else None,
    "%": lambda a, b: a % b if b > 0 else None,
    "<<": lambda a, b: a << b if 0 <= b <= 62 else None,
}
Env = dict[str, Any]


class Folder:
    """Rewrites a program: constants replaced, integer expressions folded, loops with a used variable unrolled."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MOST_STATEMENTS
        self._sizes: dict[str, int] = {}  # operations of each gate that the text defines
        self._opened = 0

    def program(self, program: Any) -> Any:
        """Return `program` rewritten; raise `Limit` when unrolling makes too many statements."""
        return ast.Program(statements=self._block(program.statements, {}), version=program.version)

    def _block(self, statements: Iterable[Any], outer: Env) -> list[Any]:
        env, made = dict(outer), []
        for statement in statements:
            self._spend(statement)
            if isinstance(statement, ast.ConstantDeclaration):
                env[statement.identifier.name] = self._put(statement.init_expression, env)
            elif isinstance(statement, ast.ForInLoop):
                made += self._loop(statement, env)
            elif isinstance(statement, ast.BranchingStatement):
                made.append(self._branch(statement, env))
            elif isinstance(statement, ast.WhileLoop):
                made.append(_like(statement, ast.WhileLoop(
                    self._put(statement.while_condition, env), self._block(statement.block, env))))  # fmt: skip
            elif isinstance(statement, ast.QuantumGateDefinition):
                own = {each.name for each in (*statement.arguments, *statement.qubits)}
                made.append(self._put(statement, {key: value for key, value in env.items() if key not in own}))
                self._sizes[statement.name.name] = max(1, sum(map(self._size, made[-1].body)))
                self._open(self._sizes[statement.name.name])
            else:
                made.append(self._checked(self._put(statement, env)))
                self._open(self._size(made[-1]))
        return made

    def _open(self, size: int) -> None:
        """Count the operations the importer opens for a gate that is defined or used, `expanded.MOST` of them at most."""
        self._opened += size if size > 1 else 0
        if self._opened > expanded.MOST:
            raise expanded.too_many(self._name)

    def _size(self, statement: Any) -> int:
        if not isinstance(statement, ast.QuantumGate):
            return 1
        powers = (_integer(one.argument) for one in statement.modifiers if one.modifier.name == "pow")
        return self._sizes.get(statement.name.name, 1) * math.prod(max(1, abs(power or 1)) for power in powers)

    def _spend(self, statement: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise Limit("{file}, line {line}, column {column}: its loops make more than {most} statements",
                        file=self._name, **place_of(statement), most=MOST_STATEMENTS)  # fmt: skip

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
        size = _integer(getattr(statement, "size", None) or getattr(getattr(statement, "type", None), "size", None))
        if size is not None and size > MOST_QUBITS:
            raise BadInput("{file}, line {line}, column {column}: a register of {size} is larger than the {most} allowed",
                           file=self._name, **place_of(statement), size=size, most=MOST_QUBITS)  # fmt: skip
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
