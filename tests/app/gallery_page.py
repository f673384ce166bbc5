"""A page that holds the gallery alone, for tests."""

from app.datasets.gallery import show_gallery

show_gallery()
