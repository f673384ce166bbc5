"""The Quiz page and its parts."""
