"""The report of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from export.evaluation.goals import Goal
from export.evaluation.metrics import CUTOFFS
from export.evaluation.run import Evaluation
from export.evaluation.shop import ALL, COLD, HEAD, HEAD_SHARE, TAIL
from export.evaluation.telling import goals_table, lenient_table, slices_table, strict_table

METHOD = """\
**Split.** What lies before the day is learned from, everything else is asked about; nothing lies between. The code
refuses to go on where an event of the test is in the training, or where a pair, a popularity or a pair of categories
was counted more often than the training events allow. Clusters and the tower know only products that were sold
before. The index holds all products, as a live catalogue does.

**Questions.** For each slice one question is drawn from each basket of the test, by seed. `similar` and `complement`
are asked about a product of the basket; right are the basket's other products, of the same category for `similar`, of
other ones for `complement`. Baskets are orders; for `similar` they are visits, where views are known. `inspire` is
asked with the 100 newest products that a customer bought before; right is what the next basket has that the customer
did not have yet. Variants of what is asked about are never right, and no model may recommend them, nor two variants in
one list, nor what the customer has.

**Slices** go by the product that is asked about (for `inspire` a product of the newest basket, by chance): `head` are
the most sold products that make up {head:.0%} of the training purchases, `tail` the others, `cold` what was not sold
before the split; where views are known, they count as sales do.

**Strict and lenient.** Strict: the very product. Family: a variant of it counts, each family once. Category: anything
of its category counts, each category once; hit@10: at least one right product is among ten (strict).

**Metrics** at {cutoffs}; nDCG has equal gains, MRR looks at {depth} products. Coverage: share of the catalogue among
the first ten of any answer. Diversity: mean of 1 - cosine over the pairs of the first ten, in the *frozen* text
vectors, by which no tower judges itself. Novelty: mean of -log2 of the share of training baskets that hold a product.
Intervals are of 95 %, by {resamples:,} resamples of the questions (percentiles). For `inspire` customers are resampled,
each with all questions of theirs: the histories of one customer are much the same. Ratios resample both models alike.

**Baselines** learn from the same training events, of the kind that the task's questions are made of: purchases or
views. `popularity`: baskets that hold a product; `popularity-in-category`: the same within the product's category, for
`complement` in turn within the categories that the recommender asks, for `inspire` within the categories of the
history. `item-knn`: baskets that hold both products; `item-knn-cosine`: these over the root of both counts, with
shrinkage. `als`: implicit feedback factorised, on baskets (cosine of products), for `inspire` on customers (folded in).
`frozen-text`: nearness of the frozen text vectors, searched as the recommender searches. For `similar` all that know
baskets choose within the product's category, where all right answers are; for `complement` within the other categories.
That helps them: the recommender is not told where the answers are. `{ours}` is the recommender itself
(`ensemble.tasks`), over a folder of a release, by its profiles. For `inspire`, `tandem-similar` is asked about the
newest product alone, by the product's own vector as the profile has it, and `tandem-similar-history` with the mean of
the whole history."""

TITLES = {"similar": "Similar", "complement": "Complement", "inspire": "Inspire"}


def report(found: Evaluation, plots: Sequence[str], more: Sequence[str]) -> str:
    """Markdown.

    Args:
        found: The evaluation.
        plots: File names of its plots.
        more: Further sections, put before the method.
    """
    tasks = list(dict.fromkeys(one.task for one in found.measured))
    lines = ["# Similar, complement, inspire: how good", "", _data(found), "", *_goals(found.goals)]
    lines += [f"![recall@10 by model]({plots[0]})", "", f"![recall@10 by slice]({plots[1]})", ""]
    for task in tasks:
        lines += _task(found, task)
    if found.similar is not None:
        lines += _knobs(plots[-1])
    for section in more:
        lines += [section.strip(), ""]
    return "\n".join([*lines, *_method(found), *_measured(found)]) + "\n"


def _data(found: Evaluation) -> str:
    facts = found.facts
    by = facts["products_by_slice"]
    return (
        f"{facts['products']:,} products; {facts['baskets']['before']:,} baskets before {_day(facts['split_s'])} to "
        f"learn from, {facts['baskets']['after']:,} from then on to be judged by. {by[HEAD]:,} products are the head, "
        f"{by[TAIL]:,} the tail, {by[COLD]:,} are cold: first sold after the split. Baskets of more than "
        f"{facts['max_basket']} products are not asked about."
    )


def _goals(goals: Sequence[Goal]) -> list[str]:
    reached = sum(goal.reached for goal in goals)
    said = f"{reached} of {len(goals)} are reached. A ratio is of the means over the same questions."
    return ["## Targets", "", said, "", *goals_table(goals), ""]


def _task(found: Evaluation, task: str) -> list[str]:
    ones = [one for one in found.measured if (one.task, one.slice) == (task, ALL)]
    counted = f"{ones[0].questions:,} questions."
    return [
        f"## {TITLES.get(task, task)}",
        "",
        f"{counted} Strict, the best in bold:",
        "",
        *strict_table(ones),
        "",
        "Lenient, and how mixed the lists are:",
        "",
        *lenient_table(ones),
        "",
        "Recall@10 by slice, with the number of questions:",
        "",
        *slices_table(found.measured, task),
        "",
    ]


def _knobs(plot: str) -> list[str]:
    return [
        "## Nearest and skip",
        "",
        "What a request may ask of `inspire`: more `nearest` clusters mix more, more `skip` leads further away.",
        "",
        f"![diversity against recall]({plot})",
        "",
    ]


def _method(found: Evaluation) -> list[str]:
    cutoffs = ", ".join(map(str, CUTOFFS))
    resamples = found.facts["resamples"]
    text = METHOD.format(head=HEAD_SHARE, cutoffs=cutoffs, depth=max(CUTOFFS), resamples=resamples, ours="tandem-...")
    return ["## How", "", text, ""]


def _measured(found: Evaluation) -> list[str]:
    machine, versions = found.facts["measured"], found.facts["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("torch", "onnxruntime", "numpy") if name in versions)
    return ["## Measured", "", f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, {named}."]


def _day(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).date().isoformat()
