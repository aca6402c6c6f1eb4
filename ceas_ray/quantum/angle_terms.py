"""Angles of Qiskit's gates as sums of terms: polynomials in the inputs, linear in the weights.

Qiskit writes an expression as text with all digits of its numbers; what is read from there is compared with its own
evaluation, so that no expression is taken for another.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ceas_ray.quantum.gate_circuit import CONSTANT, Term

MAX_DEGREE = 8
"""Of an angle in the inputs and the weight together."""
_MAX_TERMS = 1000

_Polynomial = dict[tuple[int, ...], float]
"""Coefficients by the sorted numbers of the symbols in each product."""


class NoPolynomial(Exception):
    """An expression is not a sum of such terms, or has too many of them."""


def angle_terms(expression: Any, inputs: Mapping[str, int], weights: Mapping[str, int]) -> tuple[Term, ...]:
    """Return the terms of a number or a `ParameterExpression`.

    inputs, weights: the number of each parameter by its name; there must be all. Raises ValueError for an angle that is
    not finite, or no such sum.
    """
    symbols = getattr(expression, "parameters", ())
    if not symbols:
        return (Term(_finite(float(expression))),)
    numbers = {p.name: inputs[p.name] if p.name in inputs else len(inputs) + weights[p.name] for p in symbols}
    try:
        polynomial = _of(ast.parse(_text(expression, numbers), mode="eval").body)
        terms = tuple(_term(factors, value, len(inputs)) for factors, value in sorted(polynomial.items()))
    except (NoPolynomial, SyntaxError, RecursionError, ValueError):
        terms = ()
    if not terms or not _agrees(terms, expression, inputs, weights):
        raise ValueError("a polynomial of inputs, linear in weights")
    return terms


def scaled(terms: tuple[Term, ...], factor: float) -> tuple[Term, ...]:
    """Return the terms of an angle times `factor`."""
    return tuple(term._replace(coefficient=factor * term.coefficient) for term in terms)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def _text(expression: Any, numbers: Mapping[str, int]) -> str:
    """Return the expression as Qiskit writes it, its parameters called s0, s1 and so on."""
    from qiskit.circuit import Parameter

    return str(expression.subs({p: Parameter(f"s{numbers[p.name]}") for p in expression.parameters}))


def _of(node: ast.expr) -> _Polynomial:
    """Return the polynomial of a parsed expression."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return {(): float(value)}
        case ast.Name(id=name) if name[:1] == "s" and name[1:].isdigit():
            return {(int(name[1:]),): 1.0}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
            factor = -1.0 if isinstance(sign, ast.USub) else 1.0
            return {factors: factor * value for factors, value in _of(inner).items()}
        case ast.BinOp(left=left, op=operation, right=right):
            return _joined(_of(left), operation, _of(right))
    raise NoPolynomial


def _joined(left: _Polynomial, operation: ast.operator, right: _Polynomial) -> _Polynomial:
    match operation:
        case ast.Add() | ast.Sub():
            sign = 1.0 if isinstance(operation, ast.Add) else -1.0
            found = dict(left)
            for factors, value in right.items():
                found[factors] = found.get(factors, 0.0) + sign * value
            return found
        case ast.Mult():
            return _product(left, right)
        case ast.Div() if set(right) == {()} and right[()] != 0:
            return {factors: value / right[()] for factors, value in left.items()}
        case ast.Pow() if set(right) == {()} and right[()] in range(MAX_DEGREE + 1):
            power: _Polynomial = {(): 1.0}
            for _ in range(int(right[()])):
                power = _product(power, left)
            return power
    raise NoPolynomial


def _product(left: _Polynomial, right: _Polynomial) -> _Polynomial:
    found: _Polynomial = {}
    for factors, value in left.items():
        for others, other in right.items():
            both = tuple(sorted((*factors, *others)))
            if len(both) > MAX_DEGREE or len(found) > _MAX_TERMS:
                raise NoPolynomial
            found[both] = found.get(both, 0.0) + value * other
    return found


def _term(factors: tuple[int, ...], value: float, inputs: int) -> Term:
    """Return the term; numbers from `inputs` on are weights."""
    weights = [number - inputs for number in factors if number >= inputs]
    if len(weights) > 1:
        raise NoPolynomial
    return Term(value, tuple(n for n in factors if n < inputs), weights[0] if weights else CONSTANT)


def _agrees(terms: tuple[Term, ...], expression: Any, inputs: Mapping[str, int], weights: Mapping[str, int]) -> bool:
    """Decide whether the terms have the value of the expression at some generic point."""
    generator = np.random.default_rng(0)
    x, theta = generator.uniform(0.3, 1.7, len(inputs)), generator.uniform(0.3, 1.7, len(weights))
    of_name = {p: x[inputs[p.name]] if p.name in inputs else theta[weights[p.name]] for p in expression.parameters}
    wanted = complex(expression.bind(of_name))
    found = sum(
        term.coefficient
        * math.prod(x[j] for j in term.inputs)
        * (1.0 if term.weight == CONSTANT else theta[term.weight])
        for term in terms
    )
    return abs(wanted - found) <= 1e-9 * max(1.0, abs(wanted))
