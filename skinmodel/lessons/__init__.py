"""The arithmetic of the Learn page, one module a chapter, in NumPy and without a network.

Written to be read beside the formula, not to be fast; each function is tested against TensorFlow
on the same input.
"""
