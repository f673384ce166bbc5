"""The log of unexpected errors: where they came from, and nothing of what a user sent."""

import logging
import traceback


class FramesOnly(logging.Filter):
    """Replaces an exception by its type and frames; its message may quote what a user sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip the message of the record's exception, and of what caused it."""
        if record.exc_info and record.exc_info[1]:
            record.exc_text = _describe(record.exc_info[1])
            record.exc_info = None
        return True


def build_logger(name: str) -> logging.Logger:
    """Return a logger to standard error that strips messages of exceptions."""
    logger = logging.getLogger(name)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.handlers, logger.filters, logger.propagate = [handler], [FramesOnly()], False
    return logger


def _describe(error: BaseException | None) -> str:
    parts = []
    while error is not None:
        frames = "".join(traceback.format_tb(error.__traceback__))
        # An error of the networks' process brings its own frames along.
        beyond = getattr(error, "frames", "")
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{frames}{beyond}")
        error = error.__cause__ or error.__context__
    return "caused by: ".join(parts)
