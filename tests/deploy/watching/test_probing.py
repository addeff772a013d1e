from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from clients import Answer, NotServed, Query, QueueFull, Result, ServerFault, TandemError, Timeout
from deploy.watching.asking import Reply, ask
from deploy.watching.observing import Recall
from deploy.watching.probing import RECENT, Questioner
from deploy.watching.questions import Question, QuestionSet

MUG = Question("red mug", None, ("M1", "M2"), 7)


@dataclass
class Shop:
    """Finds products in their order, and only those that it has."""

    products: tuple[str, ...]
    release: int = 2
    error: TandemError | None = None
    asked: list[Query] = field(default_factory=list)

    def search(self, query: Query) -> Answer:
        self.asked.append(query)
        if self.error is not None:
            raise self.error
        passing = self.products
        if isinstance(query.filter, dict):
            wanted = query.filter["in"][1]
            passing = tuple(name for name in passing if name in wanted)
        return Answer(self.release, 7, tuple(Result(name, 1.0, f"title of {name}") for name in passing[: query.k]))


def test_the_share_of_the_right_products_among_the_first_ten_counts() -> None:
    assert ask(Shop(("M1", "M2")), MUG) == Reply("answered", 2, 1.0)
    others = tuple(f"N{number}" for number in range(9))
    reply = ask(Shop(("M1", *others, "M2")), MUG)
    assert (reply.outcome, reply.share) == ("answered", 0.5)
    assert reply.told == "question 7 finds M1, N0, N1, ..., and not M2"


def test_a_product_that_was_deleted_is_no_miss() -> None:
    shop = Shop(("M1", "N1"))
    assert ask(shop, MUG) == Reply("answered", 2, 1.0)
    assert [(query.k, query.filter) for query in shop.asked] == [(10, None), (1, {"in": ["id", ["M2"]]})]
    assert ask(Shop(("N1",)), MUG) == Reply("answered", 2, None), "all are gone: the question says nothing"


def test_more_right_products_than_ten_make_ten() -> None:
    many = Question("mug", None, tuple(f"M{number}" for number in range(12)))
    assert ask(Shop(many.products), many).share == 1.0
    assert len(Shop(many.products).asked) == 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (QueueFull("exceeds maximum queue size"), "refused"),
        (Timeout("no answer"), "failed"),
        (ServerFault("broken"), "failed"),
        (NotServed("unknown model"), "gone"),
    ],
)
def test_what_is_not_answered_is_told_by_its_kind(error: TandemError, outcome: str) -> None:
    reply = ask(Shop((), error=error), MUG)
    assert (reply.outcome, reply.release, reply.share) == (outcome, None, None)
    assert reply.told == f"question 7: {type(error).__name__}", "no text of a shopper, nor one that quotes it"


def test_questions_go_round_in_an_order_that_is_the_same_every_time() -> None:
    questions = tuple(Question(f"word {number}", None, ("M1",)) for number in range(20))

    def order() -> list[str | None]:
        asked: list[str | None] = []
        questioner = Questioner(2, QuestionSet(questions, 1.0))

        def note(question: Question) -> Reply:
            asked.append(question.text)
            return Reply("answered", 2, 1.0)

        for _ in range(40):
            questioner.ask(note)
        return asked

    first = order()
    assert first == order()
    assert first[:20] == first[20:]
    assert sorted(map(str, first[:20])) == sorted(question.text or "" for question in questions)
    assert first[:20] != [question.text for question in questions]


def test_recall_is_over_the_most_recent_answers_of_the_release_alone() -> None:
    questioner = Questioner(2, QuestionSet((MUG,), 0.9))
    for _ in range(RECENT):
        questioner.ask(lambda _: Reply("answered", 2, 1.0))
    questioner.ask(lambda _: Reply("answered", 1, 0.0, "of another release"))
    for _ in range(50):
        questioner.ask(lambda _: Reply("answered", 2, 0.0, "nothing is found"))
    questioner.ask(lambda _: Reply("answered", 2, None))
    questioner.ask(lambda _: Reply("refused", told="full"))
    questioner.ask(lambda _: Reply("failed", told="broken"))
    readings = questioner.read()
    assert readings.recall == Recall(RECENT - 50.0, RECENT, 0.9)
    assert readings.known == 1
    assert (readings.answered, readings.refused, readings.failed) == (RECENT + 51, 1, 1)
    assert readings.examples == ("nothing is found",) * 3
    again = questioner.read()
    assert (again.recall, again.answered, again.examples) == (None, 0, ())


def test_a_release_without_questions_is_not_asked() -> None:
    questioner = Questioner(2, None)
    questioner.ask(lambda question: pytest.fail(re.escape(question.label)))
    assert questioner.read().recall is None
