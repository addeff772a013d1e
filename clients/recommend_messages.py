"""Questions for recommendations as tensors, and their answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clients.errors import BadInput
from clients.messages import conditions, one_model, read_rows
from clients.recommendations import Hit, Recommend, Recommendations
from clients.tensors import (
    Call,
    Outputs,
    Tensor,
    byte_rows,
    float_rows,
    id_rows,
    integer_rows,
    output,
    padded,
    product_rows,
    text_of,
    utf8,
)

COUNTS = ("nearest", "skip", "per_category", "per_brand")
"""Settings of a question that are whole numbers; their tensors have the same names in capitals."""
AS_PROFILE = -1
"""A setting that leaves it to the profile, beside rows that do not."""


def recommend(queries: Sequence[Recommend]) -> Call[list[Recommendations]]:
    """One request with a row for each question.

    Raises:
        BadInput: No question, questions of different kinds (ids, a new product), times that only some of them have, or
            one that cannot be sent.
    """
    model = one_model(queries)
    told = _products(queries) if model == "recommend" else _new_products(queries)
    inputs = (
        *told,
        byte_rows("TASK", [utf8(query.task) for query in queries]),
        integer_rows("K", [query.k for query in queries]),
        *_sets(queries),
        *_settings(queries),
        *conditions(queries),
    )
    return Call(model, inputs, read_recommendations)


def read_recommendations(outputs: Outputs) -> list[Recommendations]:
    """The answers of one request, one a row.

    Raises:
        ServerFault: An output is missing, or cannot be read.
    """
    rules, reasons = output(outputs, "RULE"), output(outputs, "REASON")
    answers = []
    for row, (release, seq, results) in enumerate(read_rows(outputs, "RECOMMENDED_ID", "RECOMMENDED")):
        hits = (
            Hit(**vars(result), rule=text_of("RULE", rule)) for result, rule in zip(results, rules[row], strict=False)
        )
        answers.append(Recommendations(release, seq, tuple(hits), text_of("REASON", reasons[row, 0])))
    return answers


def _products(queries: Sequence[Recommend]) -> Iterator[Tensor]:
    weighted = [query.weighted for query in queries]
    yield id_rows("PRODUCT_ID", [[name for name, _ in row] for row in weighted])
    if any(weight != 1 for row in weighted for _, weight in row):
        # An empty id counts nothing
        yield float_rows("WEIGHTS", padded([[weight for _, weight in row] for row in weighted], 0.0))
    if any(query.times for query in queries):
        for row, query in enumerate(queries):
            if query.products and not query.times:
                raise BadInput(f"queries[{row}]: has no TIMES, others have; in one request all have them, or none")
        yield integer_rows("TIMES", padded([query.times for query in queries], 0), "INT64")


def _new_products(queries: Sequence[Recommend]) -> Iterator[Tensor]:
    yield from product_rows([(query.product or {}, query.image) for query in queries])


def _sets(queries: Sequence[Recommend]) -> Iterator[Tensor]:
    for name, sets in (
        ("SEEN", [_listed(query.seen) for query in queries]),
        ("CATEGORY", [_listed(query.categories) for query in queries]),
    ):
        if any(sets):
            yield id_rows(name, sets)


def _settings(queries: Sequence[Recommend]) -> Iterator[Tensor]:
    for name in COUNTS:
        counts: list[int | None] = [getattr(query, name) for query in queries]
        if any(count is not None for count in counts):
            yield integer_rows(name.upper(), [AS_PROFILE if count is None else count for count in counts])
    shares = [query.diversity for query in queries]
    if any(share is not None for share in shares):
        yield float_rows("DIVERSITY", [[AS_PROFILE if share is None else share] for share in shares])


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names
