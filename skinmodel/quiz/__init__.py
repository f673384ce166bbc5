"""The quiz: pictures put to a reader, answers kept in memory, and scores that carry intervals."""
