"""Names of TensorRT that our code writes out, such as ``BuilderFlag.TF32``: read from its syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = (*sorted((ROOT / "export" / "engines").glob("*.py")), ROOT / "ensemble" / "engine_tower.py")
MODULE = ("trt", "_trt")


def names_used() -> list[str]:
    """Every chain that begins at the module or at a local name for one of its enums."""
    return sorted({name for source in SOURCES for name in _names(ast.parse(source.read_text("utf-8")))})


def _names(tree: ast.AST) -> set[str]:
    found = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        local = {}
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and (chain := _chain(node.value, {}))
            ):
                local[node.targets[0].id] = chain
        found |= {chain for node in ast.walk(function) if (chain := _chain(node, local))}
    found |= {chain for node in ast.walk(tree) if (chain := _chain(node, {}))}
    return found


def _chain(node: ast.AST, local: dict[str, str]) -> str:
    """``BuilderFlag.TF32`` of ``trt.BuilderFlag.TF32``; empty where the expression is no such name."""
    if isinstance(node, ast.Name):
        return local.get(node.id, "")
    if not isinstance(node, ast.Attribute):
        return ""
    if isinstance(node.value, ast.Name | ast.Attribute) and _last(node.value) in MODULE:
        return node.attr
    before = _chain(node.value, local)
    return f"{before}.{node.attr}" if before else ""


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr
