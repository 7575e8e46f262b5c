"""For mypy: the folder examples is installed as fastgrad.examples, and its programs import it by that name."""

from examples import common as common
