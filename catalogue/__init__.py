"""The product catalogue: what a product is, and how catalogue files become products."""

from catalogue.columns import Columns
from catalogue.errors import BadColumns, BadRow, BadRows, CatalogueError, UnreadableCatalogue, UnreadablePicture
from catalogue.pictures import Pictures
from catalogue.product import Product
from catalogue.reading import Catalogue, iter_rows, read, read_all

__all__ = [
    "BadColumns",
    "BadRow",
    "BadRows",
    "Catalogue",
    "CatalogueError",
    "Columns",
    "Pictures",
    "Product",
    "UnreadableCatalogue",
    "UnreadablePicture",
    "iter_rows",
    "read",
    "read_all",
]
