"""The chapters of the Learn page, one module each, and what they share."""
