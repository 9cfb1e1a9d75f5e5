"""What a shadow has counted, in memory: between the engine, which counts, and the service that adds up."""

from dataclasses import dataclass, field


@dataclass
class ShadowTally:
    """What one process has counted since it last wrote it down."""

    counts: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """(live version, its expression) -> [agreed, disagreed]"""
    frames: int = 0
    gave_way: int = 0
    shadow_ms: float = 0.0
    live_ms: float = 0.0
    slowest_ms: float = 0.0

    def count(self, live: str, emotion: str, *, agreed: bool) -> None:
        """One face of the live version, or one frame without any."""
        self.counts.setdefault((live, emotion), [0, 0])[0 if agreed else 1] += 1

    def add(self, other: "ShadowTally") -> None:
        """Take in what another has counted."""
        for key, (agreed, disagreed) in other.counts.items():
            row = self.counts.setdefault(key, [0, 0])
            row[0] += agreed
            row[1] += disagreed
        self.frames += other.frames
        self.gave_way += other.gave_way
        self.shadow_ms += other.shadow_ms
        self.live_ms += other.live_ms
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
