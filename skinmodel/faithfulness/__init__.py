"""Can a heat map be believed? Measures of where it lies and of whether the network uses it.

Nothing here loads TensorFlow. The maps are low-resolution cells, as a network's layer has them:
a mask is averaged over the area of each cell, never the map enlarged, so that no measure depends
on how a picture is drawn. A null map (no positive value) has no place and no order: every measure
of it is NaN, it is left out of means, and the number of null maps stands beside them.
"""
