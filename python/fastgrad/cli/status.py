"""The exit statuses of the commands and of the examples, and the error that ends one in a single line."""

__all__ = ["FAILED", "INTERRUPTED", "CommandError"]

FAILED = 2
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


class CommandError(Exception):
    """What the user gave cannot be done: the message says why, and nothing else is shown."""
