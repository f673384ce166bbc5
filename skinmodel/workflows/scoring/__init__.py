"""Many pictures scored into files: in parts, each written whole, so that any stop can go on."""
