from __future__ import annotations

from pathlib import Path

from deploy.serverlog import ServerLog, failed_models, last_words

# What Triton 2.51 writes when one model of two cannot be loaded, shortened.
TABLE = """\
I1121 03:47:34.800195 5906 server.cc:674]
+--------+---------+----------------------------------------------------------------+
| Model  | Version | Status                                                         |
+--------+---------+----------------------------------------------------------------+
| broken | 1       | UNAVAILABLE: Internal: ValueError: index of another space: abc |
|        |         |                                                                |
|        |         | At:                                                            |
|        |         |   /models/broken/1/model.py(4): initialize                     |
| fine   | 1       | READY                                                          |
+--------+---------+----------------------------------------------------------------+
"""
ENDED = """\
I1121 03:47:34.799473 5906 model_lifecycle.cc:777] "failed to load 'broken'"
E1121 03:47:34.799977 5906 ensemble_scheduler.cc:1468] "unable to create stream for x: CUDA driver version is insufficient for CUDA runtime version"
E1121 03:47:34.800002 5906 model_repository_manager.cc:1460] "Poll failed for model directory 'x': bad config"
I1121 03:47:34.800595 5906 server.cc:305] "Waiting for in-flight requests to complete."
error: creating server: Internal - failed to load all models
"""  # noqa: E501


def test_models_that_failed_are_named_with_their_reason() -> None:
    assert failed_models(TABLE) == {
        "broken": "Internal: ValueError: index of another space: abc At: /models/broken/1/model.py(4): initialize"
    }


def test_the_last_words_are_the_errors_that_matter() -> None:
    assert last_words(ENDED).splitlines() == [
        "Poll failed for model directory 'x': bad config",
        "error: creating server: Internal - failed to load all models",
    ]


def test_without_errors_the_last_lines_are_shown() -> None:
    assert last_words("one\ntwo\nthree\n", lines=2) == "two\nthree"
    assert last_words("") == "(it wrote nothing)"


def test_a_log_is_read_from_where_it_began_even_when_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("an earlier server\n")
    with ServerLog(path) as log, path.open("a") as writer:
        writer.write("this server\n")
        writer.flush()
        path.unlink()
        assert log.text() == "this server\n"
