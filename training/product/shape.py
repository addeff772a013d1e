"""The sizes of a product tower."""

from __future__ import annotations

from dataclasses import dataclass

from training.errors import TrainingInputError


@dataclass(frozen=True)
class TowerShape:
    """The sizes of a product tower and of its complement head.

    Attributes:
        dim: length of a product's vector.
        hidden: width of the layer between the blocks and the vector.
        text: width of the block of the text vector.
        image: width of the block of the picture's vector.
        category: width of the embedding of one category level.
        brand: width of the brand's embedding.
        price: width of the block of the price.
        grams: width of the embedding of the title's pieces.
        residual: whether a projection of the frozen vectors is added before the norm, so that an untrained tower
            already says what the frozen ones say.
        complement: width of the hidden layer of the complement head.
    """

    dim: int = 128
    hidden: int = 256
    text: int = 128
    image: int = 64
    category: int = 32
    brand: int = 16
    price: int = 16
    grams: int = 64
    residual: bool = True
    complement: int = 256

    def __post_init__(self) -> None:
        for name in ("dim", "hidden", "text", "image", "category", "brand", "price", "grams", "complement"):
            if getattr(self, name) < 1:
                raise TrainingInputError(f"{name}: got {getattr(self, name)}, must be a width of at least 1")
