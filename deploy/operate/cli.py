"""``python -m deploy activate | rollback | canary``.

Exit codes: 0 done; 1 refused or failed, and the message says what to do; 130 stopped by Ctrl-C, which does not stop a
switch that the server is making.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.errors import CannotSwitch
from deploy.operate.cli_shared import Store, Why, mistakes_told, ordered_by, running_status

if TYPE_CHECKING:
    from deploy.operate import Operator
    from deploy.operate.stopped import Stopped
    from deploy.switching.values import By, Switched, Tell

_INTERRUPTED = 130

Number = Annotated[int, typer.Argument(metavar="N", help="Number of the release.", min=1)]


def activate(release: Number, *, store: Store = Path("var"), why: Why = "") -> None:
    """Have all callers answered from a release; without a running server, from its next start on."""
    with mistakes_told():
        _switch(store, lambda board, by, tell: board.activate(release, by, tell), why)


def rollback(*, store: Store = Path("var"), why: Why = "") -> None:
    """Go back to the release that was live before."""
    with mistakes_told():
        _switch(store, lambda board, by, tell: board.rollback(by, tell), why)


def canary(
    release: Annotated[int | None, typer.Argument(metavar="[N]", help="Number of the release.", min=1)] = None,
    *,
    share: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Of the callers' keys, as 10% or 0.1; 0% for who asks by name alone."),
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End the trial.")] = False,
    store: Store = Path("var"),
    why: Why = "",
) -> None:
    """Try a release on a share of the traffic, or end the trial."""
    from deploy.operate import Operator

    with mistakes_told():
        operator = Operator(store)
        if end:
            if release is not None or share is not None:
                raise CannotSwitch("--end takes neither a release nor --share: at most one release is on trial")
            _carry_out(operator.end_canary, why)
            return
        if release is None or share is None:
            raise CannotSwitch("name the release and its share, as in `canary 4 --share 10%`; or --end")
        number, part = release, read_share(share)
        _carry_out(lambda by, tell: operator.canary(number, part, by, tell), why)


def read_share(told: str) -> float:
    """Read a share as people write it.

    >>> read_share("10%"), read_share("0.1"), read_share("100%")
    (0.1, 0.1, 1.0)

    Raises:
        CannotSwitch: It is none. A 1 without a sign is refused too: it may mean 1% as well as all.
    """
    number, sign, rest = told.strip().partition("%")
    try:
        share = float(number) / (100 if sign else 1)
    except ValueError:
        share = -1.0
    if rest or not 0.0 <= share <= 1.0 or (share == 1.0 and not sign):
        raise CannotSwitch(f"--share {told}: allowed are 0% to 100%, or a number from 0 to below 1, as in 10% or 0.1")
    return share


def _switch(store: Path, switch: Callable[[Operator | Stopped, By, Tell], Switched], why: str) -> None:
    """Ask the running server; where there is none, note it for the next."""
    from deploy.operate import Operator
    from deploy.operate.stopped import Stopped

    board = Stopped(store) if running_status(store) is None else Operator(store)
    _carry_out(lambda by, tell: switch(board, by, tell), why)


def _carry_out(switch: Callable[[By, Tell], Switched], why: str) -> None:
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        switched = switch(ordered_by(why), lambda text: progress.print(Text(text, style="dim")))
    except KeyboardInterrupt:
        progress.print("stopped waiting; a switch that was begun is finished: see `python -m deploy status`")
        raise typer.Exit(_INTERRUPTED) from None
    Console(highlight=False, soft_wrap=True).print(Text(f"{switched.told} ({switched.seconds:.1f} s)"))
