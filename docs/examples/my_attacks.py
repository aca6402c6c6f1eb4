"""An attack: `attacks=shrink`."""

from dataclasses import dataclass
from typing import Annotated, Any

from ceas_ray.attacks.attack import Knowledge
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Shrink:
    """Every colluder sends a small share of its honest row."""

    share: Annotated[float, Range(-10, 10)]
    knowledge: Knowledge

    def __call__(self, seen: Any, generator: Any) -> Any:
        return self.share * seen.own
