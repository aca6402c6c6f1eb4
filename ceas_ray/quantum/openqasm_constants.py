"""Constants and loop variables of OpenQASM 3 programs, put in as numbers: the importer takes neither as an index."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from openqasm3 import ast, parse

MAX_STATEMENTS = 100_000
MAX_BITS = 128
"""Integers with more are refused, so that a power takes no memory."""
Number = int | float
_CONSTANTS = {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "arccos": math.acos, "arcsin": math.asin, "arctan": math.atan, "cos": math.cos, "exp": math.exp, "log": math.log,
    "sin": math.sin, "sqrt": math.sqrt, "tan": math.tan,
}  # fmt: skip


class _NotConstant(Exception):
    """An expression holds what is no number yet, as an input of the program."""


def program_with_numbers(text: str, max_register: int) -> Any:
    """Return a program (`openqasm3.ast.Program`) with its constants as numbers, and loops over indices unrolled.

    Raises ValueError for a constant that is no number, for loops that unroll to too many statements, and for registers
    of over `max_register` qubits or bits.
    """
    program = parse(text)
    _Numbers(max_register).put_into(program)
    return program


class _Numbers:
    """Puts numbers into a program, and holds the values of names that are known so far."""

    def __init__(self, max_register: int) -> None:
        self._max_register = max_register
        self._known: dict[str, Number] = dict(_CONSTANTS)
        self._statements = 0

    def put_into(self, node: Any) -> Any:
        """Return a node with numbers in it: itself, another in its place, several (a list), or None."""
        how = _HOW.get(type(node))
        return self._parts(node) if how is None else how(self, node)

    def _parts(self, node: Any) -> Any:
        for name, value in list(vars(node).items()):
            if isinstance(value, list):
                setattr(node, name, self._all(value))
            elif isinstance(value, ast.QASMNode):
                setattr(node, name, self.put_into(value))
        return node

    def _all(self, nodes: list[Any]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            made = self.put_into(node) if isinstance(node, ast.QASMNode) else node
            found += made if isinstance(made, list) else [] if made is None else [made]
        return found

    def _constant(self, node: Any) -> None:
        """Take the value of a constant; its declaration is left out."""
        name = node.identifier.name
        self._refuse_known(name)
        if not isinstance(node.type, ast.IntType | ast.UintType | ast.FloatType | ast.AngleType):
            raise ValueError(f"const {name} must be an int, uint, float or angle")
        try:
            value = self._value(self.put_into(node.init_expression))
        except _NotConstant:
            raise ValueError(f"const {name} must be a number, made of numbers and other constants") from None
        if isinstance(node.type, ast.FloatType | ast.AngleType):
            value = float(value)
        elif isinstance(value, float):
            raise ValueError(f"const {name} must be an integer, got {value}")
        self._known[name] = value

    def _input(self, node: Any) -> Any:
        self._refuse_known(node.identifier.name)
        return self._parts(node)

    def _refuse_known(self, name: str) -> None:
        if name in self._known:
            raise ValueError(f"{name} is the name of a constant, and is declared again")

    def _name(self, node: Any) -> Any:
        """Put a number in place of the name of a constant or of a loop variable."""
        known = self._known.get(node.name)
        return node if known is None or node.name in _CONSTANTS else _literal(known)

    def _indexed(self, node: Any) -> Any:
        """Put numbers into indices, which are lists of lists."""
        node.indices = [self._all(index) if isinstance(index, list) else self.put_into(index) for index in node.indices]
        return node

    def _expression(self, node: Any) -> Any:
        """Compute what holds numbers alone: the importer has no power and no remainder."""
        return self._computed(self._parts(node))

    def _call(self, node: Any) -> Any:
        """Compute what holds numbers alone: the importer has no functions."""
        node.arguments = self._all(node.arguments)
        return self._computed(node)

    def _gate(self, node: Any) -> Any:
        """Put numbers in, but not for the gate's name."""
        for parts in (node.modifiers, node.arguments, node.qubits):
            parts[:] = self._all(parts)
        return node

    def _definition(self, node: Any) -> Any:
        """Put numbers in, but not for what the gate calls its own."""
        if any(isinstance(statement, ast.ForInLoop) for statement in node.body):
            raise ValueError(f"gate {node.name.name} must have no loop in its definition")
        before = dict(self._known)
        for own in (*node.arguments, *node.qubits):
            self._known.pop(own.name, None)
        node.body = self._all(node.body)
        self._known = before
        return node

    def _qubits(self, node: Any) -> Any:
        """Check the size of a register that a constant says."""
        self._refuse_known(node.qubit.name)
        if node.size is not None:
            node.size = self._size(node.size)
        return node

    def _bits(self, node: Any) -> Any:
        """Check the size of a register that a constant says."""
        self._refuse_known(node.identifier.name)
        self._parts(node)
        if isinstance(node.type, ast.BitType) and node.type.size is not None:
            node.type.size = self._size(node.type.size)
        return node

    def _loop(self, node: Any) -> Any:
        """Unroll a loop whose variable is an index; others are for the importer."""
        node.set_declaration = self.put_into(node.set_declaration)
        name, before = node.identifier.name, dict(self._known)
        if not _is_index(node.block, name):
            self._known.pop(name, None)
            node.block = self._all(node.block)
            self._known = before
            return node
        unrolled: list[Any] = []
        for value in self._values(node):
            self._count(1 + len(node.block))
            self._known = before | {name: value}
            unrolled += self._block(deepcopy(node.block))
        self._known = before
        return unrolled

    def _block(self, statements: list[Any]) -> list[Any]:
        for statement in statements:
            if isinstance(statement, ast.BreakStatement | ast.ContinueStatement):
                raise ValueError(f"loops must run to their end, got break or continue in line {_line(statement)}")
        return self._all(statements)

    def _values(self, loop: Any) -> Iterable[int]:
        over = loop.set_declaration
        if isinstance(over, ast.DiscreteSet):
            return [self._integer(value, loop) for value in over.values]
        if not isinstance(over, ast.RangeDefinition) or over.start is None or over.end is None:
            raise ValueError(f"a loop must run over {{...}} or [start:end], got other values in line {_line(loop)}")
        start, end = self._integer(over.start, loop), self._integer(over.end, loop)
        step = 1 if over.step is None else self._integer(over.step, loop)
        if step == 0:
            raise ValueError(f"the step of a loop must not be 0, in line {_line(loop)}")
        return range(start, end + (1 if step > 0 else -1), step)

    def _integer(self, node: Any, loop: Any) -> int:
        try:
            value = self._value(node)
        except _NotConstant:
            value = math.nan
        if isinstance(value, float):
            raise ValueError(f"a loop must run over constant integers, got another value in line {_line(loop)}")
        return value

    def _size(self, node: Any) -> Any:
        try:
            size = self._value(self.put_into(node))
        except _NotConstant:
            size = math.nan
        if isinstance(size, float) or size < 1:
            raise ValueError(f"the size of a register must be a positive integer, in line {_line(node)}")
        if size > self._max_register:
            raise ValueError(f"registers must have at most {self._max_register:,} qubits or bits, got {size}")
        return _literal(size)

    def _count(self, statements: int) -> None:
        self._statements += statements
        if self._statements > MAX_STATEMENTS:
            raise ValueError(f"loops must unroll to at most {MAX_STATEMENTS:,} statements, got more")

    def _computed(self, node: Any) -> Any:
        try:
            return _literal(self._value(node))
        except _NotConstant:
            return node

    def _value(self, node: Any) -> Number:
        """Return the value of an expression. Raises _NotConstant if it has none yet, ValueError if it has none."""
        try:
            value = self._evaluated(node)
        except (ArithmeticError, ValueError) as error:
            raise ValueError(f"a constant in line {_line(node)} has no value: {error}") from None
        if isinstance(value, complex) or (isinstance(value, int) and value.bit_length() > MAX_BITS):
            raise ValueError(f"a constant in line {_line(node)} must be a number of at most {MAX_BITS} bits")
        return value

    def _evaluated(self, node: Any) -> Number:
        if isinstance(node, ast.IntegerLiteral | ast.FloatLiteral):
            return node.value
        if isinstance(node, ast.Identifier) and node.name in self._known:
            return self._known[node.name]
        if isinstance(node, ast.UnaryExpression) and node.op.name == "-":
            return -self._value(node.expression)
        if isinstance(node, ast.BinaryExpression) and node.op.name in _OPERATORS:
            return _OPERATORS[node.op.name](self._value(node.lhs), self._value(node.rhs))
        if isinstance(node, ast.FunctionCall) and node.name.name in _FUNCTIONS and len(node.arguments) == 1:
            return _FUNCTIONS[node.name.name](self._value(node.arguments[0]))
        raise _NotConstant


_HOW: dict[type, Callable[[_Numbers, Any], Any]] = {
    ast.ConstantDeclaration: _Numbers._constant,
    ast.Identifier: _Numbers._name,
    ast.IndexedIdentifier: _Numbers._indexed,
    ast.BinaryExpression: _Numbers._expression,
    ast.UnaryExpression: _Numbers._expression,
    ast.FunctionCall: _Numbers._call,
    ast.QuantumGate: _Numbers._gate,
    ast.QuantumGateDefinition: _Numbers._definition,
    ast.QubitDeclaration: _Numbers._qubits,
    ast.ClassicalDeclaration: _Numbers._bits,
    ast.IODeclaration: _Numbers._input,
    ast.ForInLoop: _Numbers._loop,
}


def _divided(a: Number, b: Number) -> Number:
    """Divide as OpenQASM does: integers towards 0."""
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _power(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int) and a.bit_length() * abs(b) > 2 * MAX_BITS:
        raise ValueError("the power is too large")
    found: Number = a**b
    return found


_OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divided, "%": operator.mod, "**": _power,
}  # fmt: skip


def _literal(value: Number) -> Any:
    return ast.FloatLiteral(value) if isinstance(value, float) else ast.IntegerLiteral(value)


def _line(node: Any) -> str:
    return "?" if node.span is None else str(node.span.start_line)


def _is_index(node: Any, name: str, within: bool = False) -> bool:
    """Decide whether a name occurs in an index, in the range of a loop, in a modifier of a gate or in a constant."""
    if isinstance(node, list):
        return any(_is_index(part, name, within) for part in node)
    if isinstance(node, ast.Identifier):
        return within and node.name == name
    if not isinstance(node, ast.QASMNode):
        return False
    if isinstance(node, ast.IndexedIdentifier):
        return _is_index(node.indices, name, True)
    if isinstance(node, ast.IndexExpression):
        return _is_index(node.index, name, True)
    constant = ast.RangeDefinition | ast.DiscreteSet | ast.QuantumGateModifier | ast.ConstantDeclaration
    within = within or isinstance(node, constant)
    return any(_is_index(part, name, within) for part in vars(node).values())
