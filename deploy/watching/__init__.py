"""A process beside the server that takes back a release which breaches its bounds, and says why.

Looking and judging are apart: what was seen (`observing`) goes through pure functions (`breaches`, `deciding`), and
only their decision is acted upon (`watch`).
"""

from deploy.watching.bounds import Bounds, read_bounds
from deploy.watching.deciding import Decision, State, decide
from deploy.watching.observing import Latency, Observation, Readings, Recall, Traffic
from deploy.watching.questions import Question, QuestionSet, read_questions

__all__ = [
    "Bounds",
    "Decision",
    "Latency",
    "Observation",
    "Question",
    "QuestionSet",
    "Readings",
    "Recall",
    "State",
    "Traffic",
    "decide",
    "read_bounds",
    "read_questions",
]
