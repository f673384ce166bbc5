"""Train, evaluate and explain skin-lesion classifiers; importing it loads no TensorFlow."""

__version__ = "0.1.0"
