"""Every kind of source gives a graph that answers as the source does; golden values come from transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import save_file

from ensemble.settings import TextSettings
from ensemble.text import TextPreprocessor
from ensemble.towers import Tower
from export.errors import BadSource
from export.graphs import BOUNDING, MAX_CONSTANT, BuiltTower
from export.huggingface import find_folder
from export.text_towers import plan_text
from export.towers_file import TextTable, VisionTable
from export.vision_towers import plan_vision
from tests.export.conftest import VOCABULARY

CLOSE = 1e-5
IDS = np.array([[2, 5, 9, 3, 0, 0], [2, 6, 7, 8, 10, 3], [2, 3, 0, 0, 0, 0]])
LENGTHS = np.array([[4], [6], [2]], np.int32)
TEXT = {"INPUT_IDS": IDS, "LENGTHS": LENGTHS}
HALVES = (0.5, 0.5, 0.5)
PIXELS = {"PIXELS": np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)}


def served(built: BuiltTower, folder: Path) -> Tower:
    onnx.save(built.graph, folder / "model.onnx")
    return Tower(folder / "model.onnx")


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def mean_pooled(states: Any) -> Any:
    return np.stack([row[:length].mean(axis=0) for row, length in zip(states, LENGTHS[:, 0], strict=True)])


def constants(graph: onnx.ModelProto) -> list[float]:
    """Largest magnitude of each float constant that no clamp is bounded by."""
    bounds = {name for node in graph.graph.node if node.op_type in BOUNDING for name in node.input}
    tensors = [(tensor.name, tensor) for tensor in graph.graph.initializer]
    tensors += [
        (n.output[0], a.t) for n in graph.graph.node for a in n.attribute if a.type == onnx.AttributeProto.TENSOR
    ]
    floats = [onnx.numpy_helper.to_array(tensor) for name, tensor in tensors if name not in bounds]
    scalars = [a.f for n in graph.graph.node for a in n.attribute if a.type == onnx.AttributeProto.FLOAT]
    return [float(np.abs(array).max()) for array in floats if array.dtype.kind == "f" and array.size] + scalars


def check_graph(built: BuiltTower, inputs: dict[str, Any], output: str, dim: int, folder: Path) -> Tower:
    """What holds for every graph, wherever it came from."""
    tower = served(built, folder)
    assert tower.inputs == tuple(inputs)
    assert (tower.output, tower.dim) == (output, dim)
    vectors = tower.encode(inputs)
    assert vectors.shape == (3, dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors, built.reference(inputs), atol=CLOSE)
    for batch in (1, 2):
        alone = tower.encode({name: array[:batch] for name, array in inputs.items()})
        np.testing.assert_allclose(alone, vectors[:batch], atol=CLOSE)
    zeros = tower.encode({name: np.zeros_like(array) for name, array in inputs.items()})
    assert np.isfinite(zeros).all()
    assert max(constants(built.graph)) <= MAX_CONSTANT
    assert not any(node.doc_string or node.metadata_props for node in built.graph.graph.node)
    return tower


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel

    from tests import tiny

    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        initializer_range=0.5,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tiny.tokenizer().save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(9)
    path = tmp_path_factory.mktemp("head") / "head.safetensors"
    weight, bias = random.normal(size=(5, 16)), random.normal(size=5)
    save_file({"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}, path)
    return path


def hf_states(folder: Path) -> Any:
    """Token vectors by transformers with its own mask, the way its documentation uses it."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, use_safetensors=True)
    mask = torch.arange(IDS.shape[1])[None] < torch.from_numpy(LENGTHS)
    with torch.no_grad():
        return model(input_ids=torch.from_numpy(IDS), attention_mask=mask.long()).last_hidden_state.numpy()


@pytest.fixture(scope="session")
def bert_tower(bert: Path) -> BuiltTower:
    return plan_text(TextTable(hf=str(bert))).build()


def test_text_from_a_hugging_face_folder(bert: Path, bert_tower: BuiltTower, tmp_path: Path) -> None:
    tower = check_graph(bert_tower, TEXT, "TEXT_VECTOR", 16, tmp_path)
    np.testing.assert_allclose(tower.encode(TEXT), unit(mean_pooled(hf_states(bert))), atol=CLOSE)


def test_what_a_hugging_face_folder_says_is_taken(bert: Path) -> None:
    plan = plan_text(TextTable(hf=str(bert)))
    assert plan.settings == TextSettings(66, (16, 32, 64, 66))
    assert {"config.json", "model.safetensors", "tokenizer"} <= set(plan.files)


def test_text_padding_never_changes_a_vector(bert_tower: BuiltTower, tmp_path: Path) -> None:
    tower = served(bert_tower, tmp_path)
    alone = tower.encode({"INPUT_IDS": IDS[:1, :4], "LENGTHS": LENGTHS[:1]})
    wide = np.full((1, 40), 7)
    wide[0, :4] = IDS[0, :4]
    np.testing.assert_allclose(tower.encode({"INPUT_IDS": wide, "LENGTHS": LENGTHS[:1]}), alone, atol=CLOSE)


def test_text_with_cls_pooling_and_a_projection(bert: Path, head: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    built = plan_text(TextTable(hf=str(bert), pooling="cls", projection=head)).build()
    tower = check_graph(built, TEXT, "TEXT_VECTOR", 5, tmp_path)
    weights = load_file(head)
    expected = hf_states(bert)[:, 0] @ weights["weight"].T + weights["bias"]
    np.testing.assert_allclose(tower.encode(TEXT), unit(expected), atol=CLOSE)


def test_text_from_a_factory(sources: Path, tmp_path: Path) -> None:
    table = TextTable(
        factory="tests.export.tiny_factories:words", tokenizer=sources / "tokenizer.json", buckets=(4, 8, 16)
    )
    plan = plan_text(table)
    check_graph(plan.build(), TEXT, "TEXT_VECTOR", 6, tmp_path)
    assert plan.files["factory"].name == "tiny_factories.py"


@pytest.mark.parametrize(("output", "pooling"), [("states", "mean"), ("states", "cls"), ("pooled", "mean")])
def test_text_from_onnx(sources: Path, tmp_path: Path, output: str, pooling: Any) -> None:
    table = TextTable(onnx=sources / "text.onnx", tokenizer=sources, output=output, pooling=pooling, max_tokens=16)
    tower = check_graph(plan_text(table).build(), TEXT, "TEXT_VECTOR", 16, tmp_path)
    (weights,) = onnx.load(sources / "text.onnx").graph.initializer
    rows = onnx.numpy_helper.to_array(weights)[IDS]
    expected = []
    for row, length in zip(rows, LENGTHS[:, 0], strict=True):
        scores = np.exp(row[:length] @ row[:length].T)
        states = (scores / scores.sum(axis=1, keepdims=True)) @ row[:length]
        expected.append(states.mean(axis=0) if (output, pooling) == ("states", "mean") else states[0])
    np.testing.assert_allclose(tower.encode(TEXT), unit(np.stack(expected)), atol=CLOSE)


def test_vision_from_a_hugging_face_folder(vit: Path, tmp_path: Path) -> None:
    import torch
    from transformers import ViTModel

    plan = plan_vision(VisionTable(hf=str(vit)))
    assert (plan.settings.size, plan.settings.resize) == (16, "squash")
    tower = check_graph(plan.build(), PIXELS, "IMAGE_VECTOR", 16, tmp_path)
    scaled = (PIXELS["PIXELS"] / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    model: Any = ViTModel.from_pretrained(vit, add_pooling_layer=False)
    with torch.no_grad():
        states = model(torch.from_numpy(scaled.transpose(0, 3, 1, 2).astype(np.float32))).last_hidden_state.numpy()
    np.testing.assert_allclose(tower.encode(PIXELS), unit(states[:, 0]), atol=CLOSE)


def test_vision_from_a_factory(tmp_path: Path) -> None:
    factory = "tests.export.tiny_factories:colours_in_double"
    plan = plan_vision(VisionTable(factory=factory, image_size=16, mean=HALVES, std=HALVES))
    built = plan.build()
    check_graph(built, PIXELS, "IMAGE_VECTOR", 5, tmp_path)
    again = plan.build()
    assert again.graph.SerializeToString() == built.graph.SerializeToString()  # or space_id would change by itself


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_vision_from_onnx(sources: Path, tmp_path: Path, layout: Any) -> None:
    path = sources / f"{layout.lower()}.onnx"
    table = VisionTable(onnx=path, output="features", layout=layout, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    plan = plan_vision(table)
    assert plan.settings.size == 16
    tower = check_graph(plan.build(), PIXELS, "IMAGE_VECTOR", 8, tmp_path)
    (weights,) = onnx.load(path).graph.initializer
    scaled = (PIXELS["PIXELS"] / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    grid = scaled.reshape(3, 4, 4, 4, 4, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2).reshape(3, -1)
    np.testing.assert_allclose(tower.encode(PIXELS), unit(grid @ onnx.numpy_helper.to_array(weights)), atol=CLOSE)


def test_clip_gives_both_towers(tmp_path: Path, sources: Path) -> None:
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(6)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = CLIPConfig(
        text_config={**small, "vocab_size": VOCABULARY, "eos_token_id": 3, "bos_token_id": 2},
        vision_config={**small, "image_size": 16, "patch_size": 8},
        projection_dim=12,
    )
    model: Any = CLIPModel(config)
    model.eval()
    model.save_pretrained(tmp_path / "clip")
    with torch.no_grad():
        texts = [torch.from_numpy(row[None, :length]) for row, length in zip(IDS, LENGTHS[:, 0], strict=True)]
        text = np.concatenate([model.get_text_features(input_ids=ids).pooler_output.numpy() for ids in texts])
        scaled = torch.from_numpy((PIXELS["PIXELS"].transpose(0, 3, 1, 2) / 255 - 0.5).astype(np.float32) / 0.5)
        image = model.get_image_features(pixel_values=scaled).pooler_output.numpy()
    folder = str(tmp_path / "clip")
    text_tower = plan_text(TextTable(hf=folder, tokenizer=sources / "tokenizer.json"))
    tower = check_graph(text_tower.build(), TEXT, "TEXT_VECTOR", 12, tmp_path)
    np.testing.assert_allclose(tower.encode(TEXT), unit(text), atol=CLOSE)
    tower = check_graph(
        plan_vision(VisionTable(hf=folder, mean=HALVES, std=HALVES)).build(), PIXELS, "IMAGE_VECTOR", 12, tmp_path
    )
    np.testing.assert_allclose(tower.encode(PIXELS), unit(image), atol=CLOSE)


def test_minilm_gives_the_vectors_of_transformers(tmp_path: Path) -> None:
    """Mean pooling over transformers' own answer to its own tokenizer, as the model's card says."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = find_folder("all-MiniLM-L6-v2")
    texts = ["A red mug", "Stainless steel water bottle, 750 ml, keeps drinks cold for a whole day", "x"]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][:, :, None]
    expected = ((states * mask).sum(1) / mask.sum(1)).numpy()

    plan = plan_text(TextTable(hf="all-MiniLM-L6-v2"))
    built = plan.build()
    tokens = TextPreprocessor(plan.tokenizer, plan.settings)(texts)
    vectors = served(built, tmp_path).encode({"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths})
    np.testing.assert_allclose(vectors, unit(expected), atol=1e-5)
    assert plan.settings.max_tokens == 256
    assert max(constants(built.graph)) <= MAX_CONSTANT


def test_weights_that_are_missing_are_not_made_up(bert: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    weights = load_file(bert / "model.safetensors")
    lost = next(name for name in weights if "attention" in name)
    folder = tmp_path / "holes"
    folder.mkdir()
    save_file({name: value for name, value in weights.items() if name != lost}, folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_bytes((bert / name).read_bytes())
    with pytest.raises(BadSource, match="1 weights are missing"):
        plan_text(TextTable(hf=str(folder))).build()


def test_a_folder_that_has_only_pickled_weights_is_refused(bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((bert / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"whatever it is, it is not loaded")
    with pytest.raises(BadSource, match="safetensors"):
        plan_text(TextTable(hf=str(tmp_path))).build()


def test_layers_after_the_pooling_are_not_dropped_silently(bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((bert / name).read_bytes())
    (tmp_path / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    with pytest.raises(BadSource, match="layers after the pooling"):
        plan_text(TextTable(hf=str(tmp_path)))


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode_max_tokens": True}, None),
    ],
)
def test_the_folder_says_how_it_pools(bert: Path, tmp_path: Path, config: dict[str, Any], pooling: str | None) -> None:
    import json

    from export.text_towers import folder_pooling

    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(config))
    if pooling is None:
        with pytest.raises(BadSource, match="max_tokens"):
            folder_pooling(tmp_path)
    else:
        assert folder_pooling(tmp_path) == pooling


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("tests.export.tiny_factories:nothing", "has no attribute"),
        ("tests.export.no_such_module:x", "No module named"),
        ("tests.export.tiny_factories:not_a_module", "a torch.nn.Module is needed, got int"),
        ("tests.export.tiny_factories:failing", "RuntimeError: no weights today"),
    ],
)
def test_a_factory_that_cannot_be_used_is_named(factory: str, said: str) -> None:
    with pytest.raises(BadSource, match=said) as caught:
        plan_vision(VisionTable(factory=factory, image_size=16, mean=HALVES, std=HALVES)).build()
    assert factory in str(caught.value)


def test_a_hub_id_that_cannot_be_had_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BadSource, match="no such folder, and the Hugging Face hub did not give it"):
        plan_text(TextTable(hf="nobody/nothing-of-this-name"))


def test_onnx_sources_are_judged(sources: Path, tmp_path: Path) -> None:
    scaling: dict[str, Any] = {"mean": HALVES, "std": HALVES}
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(BadSource, match="not an ONNX model"):
        plan_vision(VisionTable(onnx=tmp_path / "bad.onnx", **scaling))
    with pytest.raises(BadSource, match="name one of states, pooled"):
        plan_text(TextTable(onnx=sources / "text.onnx", tokenizer=sources)).build()
    with pytest.raises(BadSource, match="name one of picture"):
        plan_vision(VisionTable(onnx=sources / "nchw.onnx", input="pixels", **scaling))
    turned = VisionTable(onnx=sources / "nchw.onnx", output="features", layout="NHWC", image_size=16, **scaling)
    with pytest.raises(BadSource, match="cannot load the graph"):
        plan_vision(turned).build()
    with pytest.raises(BadSource, match=r"inputs .*allowed: input_ids"):
        plan_text(TextTable(onnx=sources / "nchw.onnx", tokenizer=sources, output="features")).build()


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"w": np.zeros((2, 2), np.float32)}, "needed: weight"),
        ({"weight": np.zeros(4, np.float32)}, r"must be \(out, in\)"),
        ({"weight": np.zeros((2, 4), np.float32), "bias": np.zeros(3, np.float32)}, "`bias` must be of shape"),
    ],
)
def test_a_projection_is_judged(tmp_path: Path, tensors: dict[str, Any], said: str) -> None:
    from export.projection import load_projection

    save_file(tensors, tmp_path / "head.safetensors")
    with pytest.raises(BadSource, match=said):
        load_projection(tmp_path / "head.safetensors")
