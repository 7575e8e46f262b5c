"""The exit statuses of the commands and of the examples, and the error that ends one with a single line."""

__all__ = ["FAILED", "INTERRUPTED", "CommandError"]

FAILED = 2
INTERRUPTED = 130  # what a shell reports for a program stopped by Ctrl-C


class CommandError(Exception):
    """The user's request cannot be carried out. Only the message, which says why, is shown."""
