"""What can go wrong with a load test itself, and what can be wrong with an answer.

LoadError
├── BadTraffic           the requests that were asked for cannot be made
│   └── BadMix           a mix file has mistakes; the message has all of them
├── BadSlo               an SLO file has mistakes; the message has all of them
├── BadLoad              a rate, a shape or a number of processes that cannot be
├── NoServerThere        nothing answers where the load should go
├── GeneratorFailed      a process that makes the load ended, or did not answer
└── WrongAnswer          an answer that is none: counted as a failed request, under the name of its class
    ├── EmptyAnswer      no products; a recommendation may say why
    ├── TooFew           recommends fewer products than were asked for, and does not say why
    ├── TooMany          more products than were asked for, or more rows
    ├── BadScores        scores that are not finite, or not in descending order
    ├── RepeatedProduct  one product twice in one answer
    ├── FilterBroken     a product that the filter does not let pass
    ├── Unwanted         recommends what was asked about, or seen
    ├── WrongRule        a rule that is not of the task, or that its product does not fit
    ├── MixedReleases    rows of one answer from different releases
    ├── UnlikeRelease    says that one release made it, but has not that release's scores
    └── WrongWrite       a write is told of another product than was sent
"""

from __future__ import annotations


class LoadError(Exception):
    """Root of all errors raised by ``loadtest``."""


class BadTraffic(LoadError):
    """A file, a folder or an option that no requests can be made from; the message names it."""


class BadMix(BadTraffic):
    """A mix file with mistakes, all of which the message tells, a line each."""


class BadSlo(LoadError):
    """An SLO file with mistakes, all of which the message tells, a line each."""


class BadLoad(LoadError):
    """A rate, a shape, or a number of processes or users that cannot be."""


class NoServerThere(LoadError):
    """Nothing answers where the load should go, or not what it needs."""


class GeneratorFailed(LoadError):
    """A process that makes the load ended before its time, or did not answer."""


class WrongAnswer(LoadError):
    """An answer that no load test should take for success."""


class EmptyAnswer(WrongAnswer):
    """No products."""


class TooMany(WrongAnswer):
    """More products than were asked for, or another number of rows."""


class BadScores(WrongAnswer):
    """Scores that are not finite, or not in descending order."""


class RepeatedProduct(WrongAnswer):
    """One product twice in one answer."""


class FilterBroken(WrongAnswer):
    """A product that the request's filter does not let pass."""


class TooFew(WrongAnswer):
    """Fewer recommendations than were asked for, without a reason."""


class Unwanted(WrongAnswer):
    """A recommendation of the very product that was asked about, or of one that was seen."""


class WrongRule(WrongAnswer):
    """A recommendation by a rule that is not of the task, or whose category is not its product's."""


class MixedReleases(WrongAnswer):
    """Rows of one answer that different releases made."""


class UnlikeRelease(WrongAnswer):
    """An answer that says which release made it, but has not the scores that this release gives."""


class WrongWrite(WrongAnswer):
    """A write that is told of another product than the one that was sent."""
