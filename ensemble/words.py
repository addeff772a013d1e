"""How a value reads as a word: the same in a product's text, in a filter, offline and online."""

from __future__ import annotations


def as_word(value: object) -> str:
    """A value of a catalogue as text.

    >>> [as_word(value) for value in (42, 42.0, 4.5, True, "XL ")]
    ['42', '42', '4.5', 'true', 'XL']
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
