"""Events: which products were bought or viewed together, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingInputError

VIEW, PURCHASE = "view", "purchase"
KINDS = (VIEW, PURCHASE)
COLUMNS = ("basket", "product", "time", "kind", "user")
_NEEDED = ("basket", "product")
_SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Events:
    """Products in baskets, one line each; a product is in a basket once for each kind.

    A basket is whatever belongs together: an order, or the views of one visit.

    Attributes:
        products: ids of the products, each once, ascending.
        product: (events,) place of each event's product in ``products``.
        basket: (events,) number of each event's basket.
        viewed: (events,) bool, whether it is a view; else it is a purchase.
        time: (events,) unix seconds, or None where the times are not known.
    """

    products: tuple[str, ...]
    product: NDArray[np.int64]
    basket: NDArray[np.int64]
    viewed: NDArray[np.bool_]
    time: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.product)

    def only(self, chosen: NDArray[Any]) -> Events:
        """Keep the events of a mask or of places; the products stay."""
        time = None if self.time is None else self.time[chosen]
        return replace(
            self, product=self.product[chosen], basket=self.basket[chosen], viewed=self.viewed[chosen], time=time
        )

    def before(self, moment_s: int) -> Events:
        """Keep what happened before a moment.

        Raises:
            TrainingInputError: the times are not known.
        """
        if self.time is None:
            raise TrainingInputError("events: column 'time' is missing; a split by time needs it")
        return self.only(self.time < moment_s)

    @classmethod
    def of(cls, table: Any, names: Mapping[str, str] | None = None) -> Events:
        """Take a ``pyarrow.Table``.

        Args:
            table: one event a row.
            names: the table's own name of each of ``COLUMNS``; a name that is not given stands for itself.

        Raises:
            TrainingInputError: a column is missing, or a value is not allowed; names it.
        """
        columns = {column: (names or {}).get(column, column) for column in COLUMNS}
        for column in _NEEDED:
            if columns[column] not in table.column_names:
                raise TrainingInputError(
                    f"events: no column {columns[column]!r} for {column!r}; the columns are {table.column_names}"
                )
        products, product = _codes(table, columns["product"])
        _, basket = _codes(table, columns["basket"])
        viewed = _viewed(table, columns["kind"])
        time = _seconds(table, columns["time"]) if columns["time"] in table.column_names else None
        _, first = np.unique(np.stack([basket, product, viewed.astype(np.int64)]), axis=1, return_index=True)
        return cls(tuple(products.tolist()), product, basket, viewed, time).only(np.sort(first))

    @classmethod
    def read(cls, path: Path, names: Mapping[str, str] | None = None) -> Events:
        """Read a Parquet, CSV or JSONL file; see ``of``.

        Raises:
            TrainingInputError: there is no such file, or it cannot be used; says why.
        """
        table = read_table(path, names)
        if not len(table):
            raise TrainingInputError(f"events: {path} holds no event")
        return cls.of(table, names)


def read_table(path: Path, names: Mapping[str, str] | None = None) -> Any:
    """The events of a file as a ``pyarrow.Table``; ids in CSV stay text, so that "007" is not 7."""
    import pyarrow as pa
    from pyarrow import csv, json, parquet

    if not path.is_file():
        raise TrainingInputError(f"events: no file {path}")
    if path.suffix not in _SUFFIXES:
        raise TrainingInputError(f"events: {path} is of an unknown format; allowed: {', '.join(_SUFFIXES)}")
    text = {(names or {}).get(column, column): pa.string() for column in ("basket", "product", "user", "kind")}
    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        if path.suffix == ".csv":
            return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=text))
        return json.read_json(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise TrainingInputError(f"events: {path} cannot be read as {path.suffix}: {error}") from error


def _codes(table: Any, column: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct values as text, ascending, and the place of each row's value."""
    import pyarrow as pa

    values = table[column]
    _check_given(column, values.is_null().to_numpy(), "null")
    try:
        text = values.cast(pa.string()).to_numpy(zero_copy_only=False).astype(str)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TrainingInputError(f"events: {column!r} is of type {values.type}; names or numbers are needed") from error
    _check_given(column, np.char.strip(text) == "", "blank")
    found, places = np.unique(text, return_inverse=True)
    return found, places.astype(np.int64)


def _check_given(column: str, missing: NDArray[np.bool_], what: str) -> None:
    if missing.any():
        raise TrainingInputError(
            f"events: {column!r} is {what} in {missing.sum()} row(s), first in row {int(missing.argmax()) + 1}, not "
            "counting a header; every event needs one"
        )


def _viewed(table: Any, column: str) -> NDArray[np.bool_]:
    if column not in table.column_names:
        return np.zeros(len(table), np.bool_)
    given = table[column].fill_null(PURCHASE).to_numpy(zero_copy_only=False).astype(str)
    # A shop that marks views alone leaves the others blank.
    kinds = np.where(np.char.strip(given) == "", PURCHASE, given)
    unknown = sorted(set(np.unique(kinds).tolist()) - set(KINDS))
    if unknown:
        raise TrainingInputError(f"events: {column!r} is {unknown[0]!r}; allowed: {', '.join(KINDS)}")
    viewed: NDArray[np.bool_] = kinds == VIEW
    return viewed


def _seconds(table: Any, column: str) -> NDArray[np.int64]:
    """Times as unix seconds; numbers are taken for seconds, text for ISO 8601."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = table[column]
    try:
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = pc.strptime(pc.utf8_slice_codeunits(pc.replace_substring(values, " ", "T"), 0, 19), _ISO, "s")
        if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("s"), safe=False)
        whole = values.cast(pa.int64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TrainingInputError(f"events: {column!r} holds no times: {error}") from error
    if whole.null_count:
        raise TrainingInputError(f"events: {column!r} is null in {whole.null_count} row(s); every event needs a time")
    seconds: NDArray[np.int64] = whole.to_numpy()
    return seconds


_ISO = "%Y-%m-%dT%H:%M:%S"
