"""Training on JAX: an epoch is one compiled loop over images that lie on the device."""

import jax

# XLA takes 8 s of a processor's time to compile what draws one kernel's initial weights, and does
# so for every shape; the older generator, as sound on one device, takes half a second.
jax.config.update("jax_threefry_partitionable", False)
