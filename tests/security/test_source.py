"""What stands in our own source, and what must not."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "benchmarks", "catalogue", "clients", "deploy", "ensemble", "export", "loadtest", "model_repository", "sample",
    "training",
)  # fmt: skip
# What runs code that it reads, or asks whatever address it is given
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "jsonpickle"}
FETCHERS = {"requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib", "fsspec", "socket"}
UNSAFE_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load",
    "yaml.full_load", "pd.read_pickle", "pandas.read_pickle", "torch.jit.load", "torch.hub.load", "tempfile.mktemp",
    "ssl._create_unverified_context", "subprocess.getoutput", "subprocess.getstatusoutput",
}  # fmt: skip
UNSAFE_ARGUMENTS = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "verify": False}
REQUEST_PATH = ("ensemble", "model_repository")


@cache
def parsed() -> dict[str, ast.Module]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in paths}


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    return [(name, node) for name, tree in parsed().items() for node in ast.walk(tree)]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def told(node: ast.Call) -> dict[str, object]:
    """Arguments of a call that are given by name, and as a constant."""
    given = {word.arg: word.value for word in node.keywords if word.arg}
    return {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}


def is_unsafe(node: ast.Call) -> bool:
    name, arguments = ast.unparse(node.func), told(node)
    if name in UNSAFE_CALLS or any(arguments.get(argument) is value for argument, value in UNSAFE_ARGUMENTS.items()):
        return True
    return name.endswith("torch.load") and arguments.get("weights_only") is not True


def found(judge: Callable[[str, ast.AST], bool]) -> list[str]:
    return [f"{name}:{getattr(node, 'lineno', 0)}" for name, node in nodes() if judge(name, node)]


def test_the_source_is_looked_at() -> None:
    assert len(parsed()) > 200
    assert all(any(name.startswith(f"{package}/") for name in parsed()) for package in PACKAGES)


def test_nothing_is_unpickled() -> None:
    assert found(lambda _, node: any(name.split(".")[0] in UNPICKLERS for name in imported(node))) == []


def test_no_call_runs_what_it_reads_or_trusts_whom_it_does_not_know() -> None:
    assert found(lambda _, node: isinstance(node, ast.Call) and is_unsafe(node)) == []


def test_certificates_are_always_checked() -> None:
    def unchecked(_: str, node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context")

    assert found(unchecked) == []


def test_the_request_path_has_nothing_to_fetch_with() -> None:
    def fetches(name: str, node: ast.AST) -> bool:
        return name.startswith(REQUEST_PATH) and not FETCHERS.isdisjoint(imported(node))

    assert found(fetches) == []


@pytest.mark.parametrize(
    "code",
    ["eval(x)", "torch.load(p)", "np.load(p, allow_pickle=True)", "run(c, shell=True)", "yaml.load(f)", "os.system(c)"],
)
def test_what_is_unsafe_is_known_as_such(code: str) -> None:
    (statement,) = ast.parse(code).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert is_unsafe(statement.value)


@pytest.mark.parametrize(
    "code", ["torch.load(p, weights_only=True)", "np.load(p, allow_pickle=False)", "re.compile(x)"]
)
def test_and_what_is_not_is_not(code: str) -> None:
    (statement,) = ast.parse(code).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert not is_unsafe(statement.value)
