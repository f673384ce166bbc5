"""The commands of ``python -m skinmodel``, one module each."""
