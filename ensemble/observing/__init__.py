"""Samples of live requests, from inside the models that answer them; what drift is found in.

Nothing is noted where ``TANDEM_OBSERVED`` names no folder. Texts that shoppers typed are personal data: files are
readable by their owner alone, windows are kept for an hour, and
``TANDEM_OBSERVE_TEXTS=0`` leaves the texts out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ensemble.observing.features import AnswerFeatures, Features, PictureFeatures, TextFeatures
from ensemble.observing.observer import PROBE, WINDOW_S, Observer
from ensemble.observing.secret import secret_of
from ensemble.observing.windows import Columns, Window, Writer, columns_of, read_columns, read_windows, write_columns
from ensemble.serving import warm_up_requests
from ensemble.variables import OBSERVE_SECONDS, OBSERVE_TEXTS, OBSERVED

__all__ = [
    "FOLDER",
    "PROBE",
    "AnswerFeatures",
    "Columns",
    "Features",
    "Observer",
    "PictureFeatures",
    "TextFeatures",
    "Unobserved",
    "Window",
    "Writer",
    "columns_of",
    "observe",
    "read_columns",
    "read_windows",
    "texts_are_kept",
    "write_columns",
]

# Where windows are in a store.
FOLDER = Path("run") / "observed"


class Unobserved:
    """Stands for an observer where nothing is to be noted."""

    def __call__(self, requests: Sequence[Any], responses: Sequence[Any]) -> None:
        """Note nothing."""

    def stop(self) -> None:
        """Have nothing to end."""


def observe(
    args: Mapping[str, str], features: Features, environment: Mapping[str, str] = os.environ
) -> Observer | Unobserved:
    """Begin to note the requests of a model.

    Args:
        args: What Triton's ``initialize`` is given.
        features: What is noted of a request.
        environment: Names the folder, and how many seconds a window lasts.

    Raises:
        ValueError: The seconds are not a number above 0.
    """
    folder = environment.get(OBSERVED)
    if not folder:
        return Unobserved()
    instance = re.sub(r"\W", "_", args["model_instance_name"])
    writer = Writer(args["model_name"], int(args["model_version"]), os.getpid(), instance)
    window_s = float(environment.get(OBSERVE_SECONDS, WINDOW_S))
    if isinstance(features, TextFeatures | PictureFeatures):
        features = replace(features, secret=secret_of(Path(folder)))
    return Observer(
        Path(folder), writer, features, warm_up=warm_up_requests(args["model_config"]), window_s=window_s
    ).start()


def texts_are_kept(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the texts themselves may be written down."""
    return environment.get(OBSERVE_TEXTS, "1") != "0"
