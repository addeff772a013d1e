from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from export.engines.progress import Phases


def test_nested_phases_are_one_rising_figure() -> None:
    told: list[int] = []
    phases = Phases(told.append)
    phases.start("build", None, 2)
    phases.start("tune", "build", 4)
    assert phases.step("tune", 1)
    assert sum(told) == 25
    phases.end("tune")
    phases.step("build", 0)
    assert sum(told) == 50
    phases.start("tune", "build", 4)
    phases.step("tune", 0)
    assert sum(told) == 62
    phases.end("tune")
    phases.end("build")
    phases.finish()
    assert sum(told) == 100
    assert all(percent > 0 for percent in told)


def test_a_second_outer_phase_does_not_go_back_and_the_last_percent_is_the_end() -> None:
    told: list[int] = []
    phases = Phases(told.append)
    for name in ("first", "second"):
        phases.start(name, None, 1)
        phases.step(name, 0)
        phases.end(name)
        assert sum(told) == 99
    phases.finish()
    assert sum(told) == 100


def test_steps_of_phases_that_never_began_or_hold_themselves_do_no_harm() -> None:
    phases = Phases(lambda percent: None)
    assert phases.step("unknown", 3)
    phases.end("unknown")
    phases.start("own", "own", 0)
    assert phases.step("own", 0)


def test_cancelling_ends_the_next_step() -> None:
    phases = Phases(lambda percent: None)
    phases.start("build", None, 5)
    assert phases.step("build", 0)
    phases.cancel()
    assert not phases.step("build", 1)


def test_steps_from_many_threads_add_up() -> None:
    told: list[int] = []
    phases = Phases(told.append)
    phases.start("build", None, 8)
    for number in range(8):
        phases.start(f"part {number}", "build", 50)
    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(lambda name: [phases.step(name, step) for step in range(50)], f"part {number}")
    phases.finish()
    assert sum(told) == 100
