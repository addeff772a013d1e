"""Stand-ins for TensorRT's objects that only a GPU can make; each takes what its real class takes, and nothing else.

Members are looked up in NVIDIA's class, and calls are held to the signatures in its docstrings: number of arguments,
enums, classes, plain types. What was called and set is written to a journal.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

SIGNATURE = re.compile(r"^(?:\d+\. )?\w+\((self: .*)\) -> .*$", re.MULTILINE)
PLAIN: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "typing.SupportsInt": int,
    "float": (int, float),
    "typing.SupportsFloat": (int, float),
    "bool": bool,
    "str": str,
    "tuple": tuple,
    "list": list,
    "buffer": (bytes, bytearray, memoryview),
    "typing_extensions.Buffer": (bytes, bytearray, memoryview),
}

Journal = list[tuple[str, list[str]]]


class Double:
    """Stands for one object.

    Args:
        trt: The real module.
        kind: Name of the real class.
        journal: Gets ``("IBuilderConfig.set_flag", ["BuilderFlag.FP16"])``; a property that is set is ``NAME=``.
        answers: What methods do and properties hold; a method without answer gives None.
    """

    def __init__(self, trt: Any, kind: str, journal: Journal, answers: Mapping[str, Any] | None = None) -> None:
        self.__dict__.update(_trt=trt, _kind=kind, _journal=journal, _answers=answers or {}, _set={})

    def __getattr__(self, name: str) -> Any:
        member = self._member(name)
        if isinstance(member, property):
            return self._set[name] if name in self._set else self._answers[name]
        return self._method(name, member)

    def __setattr__(self, name: str, value: Any) -> None:
        member = self._member(name)
        if not isinstance(member, property) or member.fset is None:
            raise AttributeError(f"{self._kind}.{name} cannot be set in TensorRT {self._trt.__version__}")
        self._journal.append((f"{self._kind}.{name}=", [_told(value)]))
        self._set[name] = value

    def _member(self, name: str) -> Any:
        try:
            return inspect.getattr_static(getattr(self._trt, self._kind), name)
        except AttributeError:
            raise AttributeError(f"{self._kind} of TensorRT {self._trt.__version__} has no `{name}`") from None

    def _method(self, name: str, member: Any) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            check_call(self._trt, f"{self._kind}.{name}", member.__doc__ or "", args)
            self._journal.append((f"{self._kind}.{name}", [_told(value) for value in args]))
            answer = self._answers.get(name)
            return answer(*args) if callable(answer) else answer

        return call


def check_call(trt: Any, name: str, documented: str, args: tuple[Any, ...]) -> None:
    """Hold a call to the signatures of a binding's docstring."""
    signatures = [_split(found)[1:] for found in SIGNATURE.findall(documented)]
    if not signatures:
        raise AssertionError(f"{name}: no signature in {documented[:80]!r}")
    if not any(_accepts(trt, signature, args) for signature in signatures):
        raise TypeError(f"{name}{tuple(map(_told, args))} is none of {signatures} of TensorRT {trt.__version__}")


def _accepts(trt: Any, signature: list[str], args: tuple[Any, ...]) -> bool:
    required = sum(" = " not in one for one in signature)
    if not required <= len(args) <= len(signature):
        return False
    kinds = [one.split(": ", 1)[1].split(" = ")[0] for one in signature]
    return all(_is(trt, value, kind) for value, kind in zip(args, kinds, strict=False))


def _is(trt: Any, value: Any, kind: str) -> bool:
    if kind in PLAIN:
        return isinstance(value, PLAIN[kind]) and (kind == "bool" or not isinstance(value, bool))
    name = re.split(r"\.|::", kind)[-1]
    if name == "Dims":
        return isinstance(value, tuple | list) and all(isinstance(size, int) for size in value)
    real = getattr(trt, name)
    return issubclass(getattr(trt, value._kind), real) if isinstance(value, Double) else isinstance(value, real)


def _split(signature: str) -> list[str]:
    """At the commas that are outside of brackets."""
    parts, depth = [""], 0
    for letter in signature:
        depth += (letter in "[(<") - (letter in "])>")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _told(value: Any) -> str:
    if isinstance(value, Double):
        return str(value._kind)
    if hasattr(type(value), "__members__"):
        return f"{type(value).__name__}.{value.name}"
    return repr(value) if isinstance(value, bool | int | str | tuple | list) else type(value).__name__
