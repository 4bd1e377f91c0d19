"""Figures with their spread, and the rows they make. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """Repeated measurements of one thing; the median stands for all of them."""

    name: str
    unit: str
    samples: Sequence[float]

    @property
    def value(self) -> float:
        return median(self.samples)

    @property
    def spread(self) -> float:
        """(greatest - least) / median."""
        return (max(self.samples) - min(self.samples)) / self.value if self.value else 0.0

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": round(self.value, 2),
            "spread": round(self.spread, 3),
            "samples": [round(sample, 2) for sample in self.samples],
        }


@dataclass(frozen=True)
class Aim:
    """What a figure should be: at least `bound` times the ceiling, or with no ceiling at most `bound` itself."""

    figure: Figure
    bound: float
    ceiling: Figure | None = None

    @property
    def reached(self) -> float:
        """The ratio to the ceiling, or the figure itself.

        A ratio is the median of the rounds' own ratios: what slows the machine for a while slows both of a round.
        """
        if self.ceiling is None:
            return self.figure.value
        return median(own / other for own, other in zip(self.figure.samples, self.ceiling.samples, strict=True))

    @property
    def met(self) -> bool:
        return self.reached >= self.bound if self.ceiling else self.reached <= self.bound

    def text(self) -> str:
        verdict = "met" if self.met else "MISSED"
        if self.ceiling:
            return f"{self.reached:.2f} of {self.ceiling.name} (aim: at least {self.bound}) {verdict}"
        return f"{self.reached:.1f} {self.figure.unit} (aim: under {self.bound:g}) {verdict}"

    def document(self) -> dict[str, Any]:
        kind = "at least" if self.ceiling else "at most"
        return {
            "figure": self.figure.name,
            "ceiling": self.ceiling.name if self.ceiling else None,
            kind: self.bound,
            "reached": round(self.reached, 3),
            "met": self.met,
        }


@dataclass(frozen=True)
class Row:
    """One line of the table in `docs`: what was measured, beside what, and what it should be."""

    what: str
    figures: Sequence[Figure]
    aims: Sequence[Aim]
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def lines(self) -> list[str]:
        return [
            self.what,
            *(f"  {f.name:<52}{f.value:>12,.1f} {f.unit:<12} spread {f.spread:.0%}" for f in self.figures),
            *(f"  -> {aim.figure.name}: {aim.text()}" for aim in self.aims),
        ]

    def document(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "figures": [figure.document() for figure in self.figures],
            "aims": [aim.document() for aim in self.aims],
            "facts": dict(self.facts),
        }
