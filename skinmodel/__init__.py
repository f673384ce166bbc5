"""Train, evaluate and explain skin-lesion classifiers; importing it loads no deep-learning library."""

__version__ = "0.1.0"
