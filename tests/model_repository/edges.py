"""Walks every edge of a repository's ensembles and says what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ANY = -1


@dataclass(frozen=True)
class End:
    """One end of an edge: a tensor of a model, or of the ensemble itself."""

    model: str
    tensor: Any

    @property
    def optional(self) -> bool:
        """Whether a request may come without it; an output never is."""
        return bool(getattr(self.tensor, "optional", False))

    def __str__(self) -> str:
        return f"{self.model}.{self.tensor.name}"


def problems(configs: Mapping[str, Any]) -> list[str]:
    """Everything that does not fit in a repository, by ensemble; empty for a sound one."""
    ensembles = [config for config in configs.values() if config.platform == "ensemble"]
    assert ensembles, "a repository without ensembles has no edges to walk"
    return [f"{config.name}: {line}" for config in ensembles for line in _walk(config, configs)]


def _walk(ensemble: Any, configs: Mapping[str, Any]) -> Iterator[str]:
    steps = ensemble.ensemble_scheduling.step
    unknown = [step.model_name for step in steps if step.model_name not in configs]
    if unknown or not steps:
        yield f"no such models: {unknown}, or no steps at all"
        return
    yield from _unknown_tensors(steps, configs)
    producers, consumers = _ends(ensemble, configs)
    for name in sorted({*producers, *consumers}):
        yield from _edge(name, producers.get(name, []), consumers.get(name, []))
    yield from _batching(ensemble, [configs[step.model_name] for step in steps])
    yield from _order(ensemble)


def _unknown_tensors(steps: Any, configs: Mapping[str, Any]) -> Iterator[str]:
    for step in steps:
        config = configs[step.model_name]
        for kind, tensors, mapped in (
            ("input", config.input, step.input_map),
            ("output", config.output, step.output_map),
        ):
            known = {tensor.name for tensor in tensors}
            yield from (f"{step.model_name} has no {kind} {name}" for name in sorted(set(mapped) - known))
        needed = {tensor.name for tensor in config.input if not tensor.optional}
        yield from (
            f"{step.model_name}.{name} is required, and nothing feeds it" for name in needed - set(step.input_map)
        )


def _ends(ensemble: Any, configs: Mapping[str, Any]) -> tuple[dict[str, list[End]], dict[str, list[End]]]:
    """Who makes and who reads each tensor of an ensemble."""
    producers: dict[str, list[End]] = {tensor.name: [End(ensemble.name, tensor)] for tensor in ensemble.input}
    consumers: dict[str, list[End]] = {tensor.name: [End(ensemble.name, tensor)] for tensor in ensemble.output}
    for step in ensemble.ensemble_scheduling.step:
        config = configs[step.model_name]
        for tensors, mapped, ends in (
            (config.input, step.input_map, consumers),
            (config.output, step.output_map, producers),
        ):
            for tensor in tensors:
                if tensor.name in mapped:
                    ends.setdefault(mapped[tensor.name], []).append(End(step.model_name, tensor))
    return producers, consumers


def _edge(name: str, made: list[End], read: list[End]) -> Iterator[str]:
    if len(made) != 1:
        yield f"{name} has {len(made)} producers: {[str(end) for end in made]}"
        return
    (source,) = made
    if not read and not source.optional:
        yield f"{name} is made by {source} and read by nothing"
    for end in read:
        if end.tensor.data_type != source.tensor.data_type:
            yield f"{source} -> {end}: types {source.tensor.data_type} and {end.tensor.data_type}"
        if not _fit(source.tensor.dims, end.tensor.dims):
            yield f"{source} -> {end}: shapes {list(source.tensor.dims)} and {list(end.tensor.dims)}"
        if source.optional and not end.optional:
            yield f"{source} -> {end}: may be absent, but is needed"


def _fit(one: Any, other: Any) -> bool:
    """Triton lets a free axis meet any size, and so it would find a difference at the first request only."""
    return len(one) == len(other) and all(a == b or ANY in (a, b) for a, b in zip(one, other, strict=True))


def _batching(ensemble: Any, models: list[Any]) -> Iterator[str]:
    for model in models:
        if not 0 < ensemble.max_batch_size <= model.max_batch_size:
            yield f"batches of {ensemble.max_batch_size} rows, but {model.name} takes {model.max_batch_size}"


def _order(ensemble: Any) -> Iterator[str]:
    """Every step can run: its inputs come from the request, or from steps that can run before it."""
    known = {tensor.name for tensor in ensemble.input}
    waiting = list(ensemble.ensemble_scheduling.step)
    while ready := [step for step in waiting if set(step.input_map.values()) <= known]:
        known |= {name for step in ready for name in step.output_map.values()}
        waiting = [step for step in waiting if step not in ready]
    yield from (f"{step.model_name} waits for ever" for step in waiting)
