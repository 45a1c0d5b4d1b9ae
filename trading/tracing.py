"""Traces of what the firm does about an event: from the feed's receipt to the venue's report.

As the venue does (`vocabulary.tracing`), every process derives the ids from what it knows anyway.
Here that is the event that a decision was made at, its stream_sequence and received_ns, which stand
for the venue's record; all that was decided at one event is one trace. The spans of a decision are
told from those of others by its client order id.
"""

from __future__ import annotations

from hashlib import blake2b

from trading.decisions import Decision

INSTANCE_BYTES = 7  # within a signed 64-bit integer


def instance_of(decision: Decision) -> int:
    """Return what tells a decision's spans from those of others."""
    name = decision.client_order_id.encode()
    return int.from_bytes(blake2b(name, digest_size=INSTANCE_BYTES).digest())
