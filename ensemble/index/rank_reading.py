"""From the text of a business score to its factor of the similarity and the tree of all else.

Python's own parser reads the text. What comes out is looked at node by node, and never run.
"""

from __future__ import annotations

import ast
import keyword
from typing import NoReturn

from ensemble.errors import InvalidInput
from ensemble.index.rank_linear import SIMILARITY, Linear, NotAllowed, applied, finite, negated, scaled, summed
from ensemble.index.rank_nodes import FUNCTIONS, Constant, Field, Part

MAX_BYTES = 1_024
MAX_DEPTH = 16
MAX_NODES = 64
# Functions that take as long as so many additions: without this, a short text could hold a server for long.
WEIGHTS = {"exp": 12, "log1p": 8, "sqrt": 2}
SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
CALLED = ("log1p", "sqrt", "exp", "abs", "min", "max", "clip", "fill")
ALLOWED = f'numbers, {SIMILARITY}, columns, column("NAME"), + - * / and {", ".join(CALLED)}'


def read_expression(text: str, name: str) -> Linear:
    """Read an expression of at most ``MAX_BYTES``.

    Args:
        text: One line, without spaces around it.
        name: How errors call it.

    Raises:
        InvalidInput: It says what is not allowed; names the place.
    """
    try:
        parsed = ast.parse(text, mode="eval")
    except SyntaxError as error:
        place = f" (character {error.offset})" if error.offset else ""
        raise InvalidInput(name, f"not an expression: {error.msg}{place}{_hint(text, error)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(name, f"not an expression: {error}") from None
    return _Reader(text, name).read(parsed.body)


class _Reader:
    """Reads the nodes of one expression."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text.encode(), name
        self._nodes = 0

    def read(self, node: ast.expr, depth: int = MAX_DEPTH) -> Linear:
        """What a node says that may be nested so deep; a left operand is as deep as its operator, as sums are long."""
        self._nodes += _weight(node)
        if self._nodes > MAX_NODES:
            counted = ", ".join(f"{function} as {weight}" for function, weight in WEIGHTS.items())
            self._refuse(node, f"more than {MAX_NODES} numbers, names, operators and functions up to here ({counted})")
        if depth == 0:
            self._refuse(node, f"nested deeper than {MAX_DEPTH}")
        try:
            return self._read(node, depth)
        except NotAllowed as error:
            self._refuse(node, str(error))

    def _read(self, node: ast.expr, depth: int) -> Linear:
        if isinstance(node, ast.BinOp):
            return self._binary(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return negated(self.read(node.operand, depth - 1))
        if isinstance(node, ast.Call):
            return Linear(None, self._call(node, depth))
        if isinstance(node, ast.Name):
            word = self._said(node)
            return Linear(1.0, None) if word == SIMILARITY else Linear(None, Field(word))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return Linear(None, finite(node.value))  # type: ignore[arg-type]
        raise NotAllowed(f"not allowed; allowed are {ALLOWED}")

    def _binary(self, node: ast.BinOp, depth: int) -> Linear:
        sign = SIGNS.get(type(node.op))
        if sign is None:
            raise NotAllowed(f"an operator that is not allowed; allowed are {ALLOWED}")
        one, other = self.read(node.left, depth), self.read(node.right, depth - 1)
        return summed(sign, one, other) if sign in "+-" else scaled(sign, one, other)

    def _call(self, node: ast.Call, depth: int) -> Part:
        function = self._said(node.func) if isinstance(node.func, ast.Name) else ""
        if function == "column":
            return _named(node)
        if function not in CALLED:
            raise NotAllowed(f"an unknown function; allowed are {ALLOWED}")
        wanted, _ = FUNCTIONS[function]
        if len(node.args) != wanted or node.keywords:
            raise NotAllowed(f"{function} takes {wanted} argument{'s' if wanted > 1 else ''}")
        parts = [self._argument(argument, depth - 1) for argument in node.args]
        _check(function, parts)
        return applied(function, *parts)

    def _argument(self, node: ast.expr, depth: int) -> Part:
        argument = self.read(node, depth)
        if argument.similarity is not None or argument.rest is None:
            self._refuse(node, f"{SIMILARITY} may not be inside a function; it is multiplied and added to alone")
        return argument.rest

    def _said(self, node: ast.expr) -> str:
        """The text itself: Python's parser writes names in another form (NFKC), which may be another column."""
        return self._text[node.col_offset : node.end_col_offset].decode()

    def _refuse(self, node: ast.expr, problem: str) -> NoReturn:
        shown = self._said(node)
        place = f"character {len(self._text[: node.col_offset].decode()) + 1}"
        raise InvalidInput(self._name, f"{place}, {shown if len(shown) <= 80 else shown[:77] + '...'!r}: {problem}")


def _weight(node: ast.expr) -> int:
    return WEIGHTS.get(node.func.id, 1) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else 1


def _hint(text: str, error: SyntaxError) -> str:
    """What to write in place of a word that Python keeps for itself."""
    word = text[(error.offset or 1) - 1 : (error.end_offset or 1) - 1]
    return f'; write column("{word}") if that is a column' if keyword.iskeyword(word) else ""


def _named(node: ast.Call) -> Field:
    given = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        raise NotAllowed('column takes one name in quotes, as in column("net weight")')
    return Field(given.value)


def _check(function: str, parts: list[Part]) -> None:
    """Refuse arguments that a function has no use for."""
    if function == "fill" and not (isinstance(parts[0], Field) and isinstance(parts[1], Constant)):
        raise NotAllowed("fill takes a column and the number that stands for a missing value")
    if function == "clip":
        low, high = parts[1:]
        if isinstance(low, Constant) and isinstance(high, Constant) and low.value > high.value:
            raise NotAllowed(f"clip takes the lower bound first, got {low.value:g} and {high.value:g}")
