"""A value, or a part of one, that has no place in a stored form."""

from __future__ import annotations


class Unfit(Exception):  # noqa: N818 - a signal inside the serdes, which turn it into a SerDesError
    """Something has no place in a form; the containers around it add where it is, inside out."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    def below(self, step: str) -> None:
        """Add the step that leads from the container to what is unfit: ``[0]``, ``['key']``, ``.field``."""
        self.path.append(step)

    def describe(self) -> str:
        """Return what is wrong and where."""
        return f"{self.problem}, at value{''.join(reversed(self.path))}"
