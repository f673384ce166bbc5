"""Bytes to pixels, pixels to network input, and where a map's cells lie in a picture."""
