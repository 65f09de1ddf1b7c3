"""What a reader of a diagnosis must know, and what could not be computed."""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass
class Remarks:
    """Lines that accompany findings, each once, in the order in which they came.

    Attributes:
        notes: substitutions and limits.
        missing: what was not computed, and what it needs.
    """

    notes: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a note."""
        self._add(self.notes, [text])

    def miss(self, what: str, needs: str) -> None:
        """Add what was not computed, and what it needs."""
        self._add(self.missing, [f"{what}: needs {needs}"])

    def add(self, other: "Remarks", subject: str = "") -> None:
        """Add other remarks.

        Args:
            other: the others.
            subject: what their notes are about.
        """
        before = f"{subject}: " if subject else ""
        self._add(self.notes, (f"{before}{line}" for line in other.notes))
        self._add(self.missing, other.missing)

    @staticmethod
    def _add(lines: list[str], more: Iterable[str]) -> None:
        lines += [line for line in dict.fromkeys(more) if line not in lines]
