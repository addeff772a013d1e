"""Asks the live release, and the one on trial, questions with known answers, and remembers how well they did."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import Random

from deploy.watching.asking import Outcome, Reply
from deploy.watching.observing import Readings, Recall
from deploy.watching.questions import Question, QuestionSet

# Answers that recall is over.
RECENT = 200
_EXAMPLES = 3

# Asks one question of a release.
Ask = Callable[[Question], Reply]


@dataclass
class Answers:
    """How a release did, since it became what it is.

    Args:
        baseline: The mean that it reached when it was made.
        shares: Of its most recent answers.
        outcomes: Of the questions since they were last read.
        examples: Of what went wrong since then, without texts.
    """

    baseline: float
    shares: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    fresh: bool = False

    def add(self, reply: Reply) -> None:
        """Take note of a reply."""
        self.outcomes[reply.outcome] += 1
        if reply.share is not None:
            self.shares.append(reply.share)
            self.fresh = True
        if reply.told and reply.outcome != "gone" and len(self.examples) < _EXAMPLES:
            self.examples.append(reply.told)

    def read(self, release: int) -> Readings:
        """What is new, once."""
        recall = Recall(sum(self.shares), len(self.shares), self.baseline) if self.fresh else None
        outcomes, self.outcomes = self.outcomes, Counter()
        examples, self.examples = tuple(self.examples), []
        self.fresh = False
        return Readings(
            release,
            recall=recall,
            answered=outcomes["answered"],
            refused=outcomes["refused"],
            failed=outcomes["failed"],
            examples=examples,
        )


class Questioner:
    """The questions of one release, in an order by chance that goes round, and its answers.

    Args:
        release: The release.
        questions: Its questions; None where it has none.
    """

    def __init__(self, release: int, questions: QuestionSet | None) -> None:
        self.release = release
        self._known = 0 if questions is None else len(questions.questions)
        self._answers = Answers(1.0 if questions is None else questions.recall_at_10)
        self._next = None if questions is None else _round(questions.questions, release)

    def ask(self, ask: Ask) -> None:
        """Ask the next question; an answer of another release, as during a switch, does not count."""
        if self._next is None:
            return
        reply = ask(next(self._next))
        if reply.release in (None, self.release):
            self._answers.add(reply)

    def read(self) -> Readings:
        """How the release did since the last time."""
        return replace(self._answers.read(self.release), known=self._known)


def _round(questions: Sequence[Question], seed: int) -> Iterator[Question]:
    order = list(questions)
    Random(seed).shuffle(order)  # noqa: S311 -- nothing is hidden by it
    return cycle(order)
