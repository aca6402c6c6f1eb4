"""Parts of replica 0 of a committee of four, with its peers' ends of the links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.committee import Committee
from ceas_ray.kernel.codec import decode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, processor_name, replica_name

DELTA, LATENCY, PLENTY = 1000, 7, 10**5
COMMITTEE = Committee(4, 3, 1, DELTA)
PEERS = [*(processor_name(k) for k in range(3)), *(replica_name(j) for j in range(1, 4))]


def lacks_nothing(view: int) -> bool:
    """Say of a view that this replica could do its part in it."""
    return False


def channel_of(name: str, peer: str, bits: int = PLENTY) -> Channel:
    """Return one end of a link, with so many bits each way."""
    channel = Channel(name, peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    channel.add_key_bits(bits, bits)
    return channel


def links_of_replica_0(bits: int = PLENTY) -> AuthenticatedLinks:
    """Return the links of replica 0 in round 0."""
    channels = [channel_of(replica_name(0), peer, bits) for peer in PEERS]
    links = AuthenticatedLinks(0, COMMITTEE, channels, dict.fromkeys([*PEERS, ENTANGLEMENT_MANAGER], LATENCY))
    links.enter_round(0)
    return links


def frames_in(effects: Sequence[Effect]) -> list[Frame]:
    """Return the frames that leave."""
    return [effect.payload for effect in effects if isinstance(effect, Send) and isinstance(effect.payload, Frame)]


def contents_in(effects: Sequence[Effect]) -> dict[str, Any]:
    """Return what frames say, by their receivers."""
    return {frame.receiver: decode(frame.body) for frame in frames_in(effects)}


def some_bits(count: int = 7, bits: int = 2 * PLENTY) -> np.ndarray:
    """Return newly distilled bits for every party, as in `RoundStarted`: twice as many to send with as to receive."""
    return np.stack([np.full(count, bits), np.full(count, bits // 2)])
