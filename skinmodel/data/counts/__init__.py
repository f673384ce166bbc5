"""The counts of both data sets: shipped tables, and how they are made."""
