"""The firm's own events on their way into the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import NamedTuple

import msgspec

from trading.feeds.admission import Admission
from trading.feeds.own_schema import decode_own_event
from trading.feeds.rejects import Rejected, RejectedError, RejectReason
from trading.feeds.sequencer import Sequencer
from trading.stream.messages import Answer, Refusal, RefusedReport

_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class OwnAnswer(NamedTuple):
    """What the reporter `source` is to be told."""

    source: int
    message: Answer | Refusal


class OwnFeed:
    """Puts what is new into the sequencer, drops what is repeated, and refuses the rest."""

    def __init__(
        self,
        symbols: Collection[str],
        admission: Admission,
        sequencer: Sequencer,
        counts: Counter[str],
        reject: Callable[[Rejected], None],
    ) -> None:
        self.admission = admission
        self._symbols = symbols
        self._sequencer = sequencer
        self._counts = counts
        self._reject = reject
        self._answers: list[OwnAnswer] = []

    def receive(self, source: int, data: bytes, received_ns: int) -> None:
        """Take an array of events. What is wrong with one is no matter of the others'."""
        try:
            events = _split(data)
        except msgspec.MsgspecError as error:
            self._reject(Rejected(RejectReason.MALFORMED, str(error), received_ns, data))
            self._answers.append(OwnAnswer(source, Refusal(f"no array of events: {error}")))
            return
        refused = []
        for index, each in enumerate(events):
            encoded = bytes(each)
            try:
                self._receive(encoded, received_ns)
            except RejectedError as error:
                self._reject(Rejected(error.reason, error.text, received_ns, encoded))
                refused.append(RefusedReport(index, f"{error.reason}: {error.text}"))
        self._answers.append(OwnAnswer(source, Answer(len(events), refused)))

    def take_answers(self) -> list[OwnAnswer]:
        answers, self._answers = self._answers, []
        return answers

    def _receive(self, encoded: bytes, received_ns: int) -> None:
        event = decode_own_event(encoded, self._symbols)
        if not self.admission.admit(event):
            self._counts["own_repeats"] += 1
            return
        self._counts["own_events"] += 1
        place = {"stream_sequence": self._sequencer.next, "received_ns": received_ns}
        self._sequencer.append(msgspec.structs.replace(event, **place))
