"""INT8 recipes for transformer blocks."""

from __future__ import annotations

from onnx import ModelProto, helper

from export.precision.calibration import Calibration
from export.precision.editing import CONTRIB, Editor
from export.precision.extremes import Extremes, extremes
from export.precision.matmuls.gelus import find_gelus
from export.precision.matmuls.left import Left, static_left, token_left
from export.precision.matmuls.opset import raised
from export.precision.matmuls.rewriting import rewrite
from export.precision.matmuls.sites import TOKEN_RANK, Site, find_sites
from export.precision.matmuls.smoothing import smooth


def by_token(graph: ModelProto, calibration: Calibration, least_rank: int = TOKEN_RANK) -> ModelProto | None:
    """Each token has a scale of its own everywhere; ``None`` where there is nothing to quantise.

    Raises:
        PrecisionFailed: The graph is not valid, or cannot be run on the calibration inputs.
    """
    return _quantise(graph, calibration, least_rank, static_norms=False)


def static_norms(graph: ModelProto, calibration: Calibration, least_rank: int = TOKEN_RANK) -> ModelProto | None:
    """As ``by_token``, but values that come from a layer norm share one scale, from calibration: faster.

    Raises:
        PrecisionFailed: The graph is not valid, or cannot be run on the calibration inputs.
    """
    return _quantise(graph, calibration, least_rank, static_norms=True)


def _quantise(graph: ModelProto, calibration: Calibration, least_rank: int, *, static_norms: bool) -> ModelProto | None:
    if not find_sites(Editor(graph), least_rank):
        return None
    editor = Editor(raised(graph))
    sites = find_sites(editor, least_rank)
    seen = extremes(editor.model, [site.value for site in sites if site.kind == "norm"], calibration)
    for site in sites:
        rewrite(editor, site, _left(editor, site, seen.get(site.value), static_norms=static_norms))
    _ease_gelus(editor, sites)
    return editor.finish()


def _left(editor: Editor, site: Site, seen: Extremes | None, *, static_norms: bool) -> Left:
    if seen is None:
        return token_left(editor, site, None)
    smoothing = smooth(seen, site.matrices)
    return static_left(editor, site, smoothing) if static_norms else token_left(editor, site, smoothing)


def _ease_gelus(editor: Editor, sites: list[Site]) -> None:
    """GELU's tanh form where all that it feeds is quantised: 0.0005 off at most, a twentieth of a step, and faster."""
    gelus = find_gelus(editor)
    for site in sites:
        gelu = gelus.get(site.value)
        if gelu is None or len(editor.consumers(site.value)) != len(site.products) or editor.is_output(site.value):
            continue
        inside = {node.name for node in gelu.nodes}
        for node in gelu.nodes[:-1]:
            if all(user.name in inside for user in editor.consumers(node.output[0])):
                editor.replace(node, [])
        eased = helper.make_node("FastGelu", [gelu.source], [gelu.value], f"{gelu.value}/eased", domain=CONTRIB)
        editor.replace(gelu.nodes[-1], [eased])
