"""A first TransferModel file for a folder or a table of images, texts or recordings."""

from transfermodel.starter.start import Started, start

__all__ = ["Started", "start"]
