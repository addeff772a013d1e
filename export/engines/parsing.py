"""From an ONNX file to a network, held to what its options say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export.engines.options import EngineOptions
from export.errors import EngineFailed


def parse(trt: Any, network: Any, logger: Any, graph: Path, *, native_norm: bool) -> Any:
    """Fill a network from a graph; gives the parser, which owns the weights and must outlive the build.

    Args:
        trt: The ``tensorrt`` module.
        network: An empty ``INetworkDefinition``.
        logger: An ``ILogger``.
        graph: The ONNX file; weights in files beside it are found.
        native_norm: Whether instance norms must not become plugins, which compatible engines cannot carry.

    Raises:
        EngineFailed: The parser refuses the graph; quotes all that it says.
    """
    if not graph.is_file():
        raise EngineFailed(f"{graph}: there is no such graph")
    parser = trt.OnnxParser(network, logger)
    if native_norm:
        parser.set_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM)
    if not parser.parse_from_file(str(graph)):
        errors = [_told(parser.get_error(number)) for number in range(parser.num_errors)]
        raise EngineFailed(f"{graph}: TensorRT {trt.__version__} cannot read this graph", errors)
    return parser


def check_inputs(network: Any, options: EngineOptions, graph: Path) -> None:
    """See that the profiles give shapes for the network's inputs, and for no others.

    Raises:
        EngineFailed: Names every input that differs.
    """
    found = {}
    for number in range(network.num_inputs):
        tensor = network.get_input(number)
        found[tensor.name] = tuple(tensor.shape)
    problems = [f"input `{name}` {shape} has no shapes in the profiles" for name, shape in found.items()
                if name not in options.inputs]  # fmt: skip
    problems += [f"the profiles name `{name}`, which is no input" for name in options.inputs if name not in found]
    for name in sorted({*found} & {*options.inputs}):
        shapes = {one for profile in options.profiles for one in (profile[name].least, profile[name].most)}
        problems += [f"input `{name}` {found[name]} cannot be {one}" for one in sorted(shapes)
                     if not _fits(one, found[name])]  # fmt: skip
    if problems:
        raise EngineFailed(f"{graph}: the profiles do not fit the graph", problems)


def check_precision(trt: Any, network: Any, precision: str, graph: Path) -> None:
    """See that a graph called INT8 has Q/DQ: without, an engine would be built that only claims to be.

    Raises:
        EngineFailed: It has none.
    """
    if precision != "int8":
        return
    layers = (network.get_layer(number).type for number in range(network.num_layers))
    if not any(layer == trt.LayerType.QUANTIZE for layer in layers):
        raise EngineFailed(f"{graph}: `precision` is 'int8', but the graph has no QuantizeLinear; allowed: Q/DQ graphs")


def _fits(shape: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    same_rank = len(shape) == len(declared)
    return same_rank and all(size in (at, -1) for at, size in zip(shape, declared, strict=True))


def _told(error: Any) -> str:
    """One error of the parser; since TensorRT 10 it names the node."""
    node = f"{error.node_name()} ({error.node_operator()})" if hasattr(error, "node_name") else f"node {error.node()}"
    # In 8.6 the `name` of this enum alone is a method.
    return f"{str(error.code()).rpartition('.')[2]}: {node}: {error.desc()}"
