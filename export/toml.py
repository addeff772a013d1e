"""TOML files with environment variables in their strings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read(path: Path, environment: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Read a file, with ``${NAME}`` and ``${NAME:-default}`` taken from the environment.

    A folder that a variable names at the beginning of a path is made absolute: it is relative to where one is, not to
    the file.

    Args:
        path: The file.
        environment: Names and values.
        problems: Gets one line a variable that is not set and has no default.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not TOML.
    """
    content = tomllib.loads(path.read_text("utf-8"))
    return {key: _expand(value, environment, key, problems) for key, value in content.items()}


def _expand(value: Any, environment: Mapping[str, str], field: str, problems: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _expand(one, environment, f"{field}.{key}", problems) for key, one in value.items()}
    if isinstance(value, list):
        return [_expand(one, environment, f"{field}[{at}]", problems) for at, one in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name not in environment:
            if default is None:
                problems.append(f"{field} = {value!r}; set {name} in the environment, or write ${{{name}:-default}}")
            return default or ""
        named = environment[name]
        begins_a_path = match.start() == 0 and value[match.end() :].startswith("/")
        return str(Path(named).resolve()) if begins_a_path and Path(named).is_dir() else named

    return VARIABLE.sub(replace, value)
