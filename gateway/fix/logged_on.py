"""A session that is logged on: messages in sequence, early, late, refused, asked for again."""

from gateway.fix import tags, timestamps
from gateway.fix.codec import BEGIN_STRING, MSG_SEQ_NUM_MAX, FixMessage
from gateway.fix.dictionary import (
    COMP_ID_PROBLEM,
    REQUIRED_TAG_MISSING,
    SENDING_TIME_PROBLEM,
    VALUE_INCORRECT,
    Refusal,
)
from gateway.fix.events import MessageRefused, RejectReceived
from gateway.fix.session_core import (
    ADMINISTRATIVE,
    HEARTBEAT,
    LOGOUT,
    RESEND_REQUEST,
    SEQUENCE_RESET,
    SessionCore,
    text_of,
)
from gateway.fix.settings import SessionSettings
from gateway.fix.states import State, Step
from gateway.fix.timestamps import parse_utc_timestamp

# What every message is asked for, under names that compile to C.
_RECOVERING = State.RECOVERING
_SENDING_TIME, _POSS_DUP_FLAG = tags.SendingTime, tags.PossDupFlag
_SENDER_COMP_ID, _TARGET_COMP_ID = tags.SenderCompID, tags.TargetCompID
_VERSION, _SEQUENCE_RESET, _ADMINISTRATIVE = BEGIN_STRING, SEQUENCE_RESET, ADMINISTRATIVE


class LoggedOnSession(SessionCore):
    """What a `Session` does with messages once both sides are logged on."""

    def __init__(self, settings: SessionSettings, now_ns: int) -> None:
        super().__init__(settings, now_ns)
        self._asked_from = 0

    def _receive_in_session(self, message: FixMessage, now_ns: int) -> None:
        if self._is_misaddressed(message, now_ns):
            return
        number = message.msg_seq_num
        expected = self._inbound.next_expected
        if _is_reset_mode(message):
            self._receive_sequence_reset(message, now_ns)
        elif number > expected:
            self._receive_early(message, now_ns)
            return
        elif number < expected:
            if not message.is_poss_dup:
                self._is_too_low(message, now_ns)
            elif (refusal := self._fault_of_poss_dup(message)) is not None:
                self._refuse(message, refusal, now_ns)
            return
        else:
            self._process(message, now_ns)
        if self.state is _RECOVERING:
            self._process_early(now_ns)

    def _is_misaddressed(self, message: FixMessage, now_ns: int) -> bool:
        """End the session over a header that can't be this peer's, now.

        A field that is missing is left to the dictionary.
        """
        if (
            message.is_at(message.find(_SENDER_COMP_ID), self._peer)
            and message.is_at(message.find(_TARGET_COMP_ID), self._own_comp_id)
            and self._off_ns(message, now_ns) <= self._tolerance_ns
            and message.is_at(0, _VERSION)
            and (message.msg_seq_num or _is_reset_mode(message))
        ):
            return False
        sender, target = message.get(_SENDER_COMP_ID), message.get(_TARGET_COMP_ID)
        if message.get(tags.BeginString) != BEGIN_STRING:
            self._end("BeginString(8) must be FIX.4.4", now_ns)
        elif not message.msg_seq_num and not _is_reset_mode(message):
            self._end(f"MsgSeqNum(34) must be 1 to {MSG_SEQ_NUM_MAX}", now_ns)
        elif (sender is not None and sender != self._peer) or (
            target is not None and target != self._own_comp_id
        ):
            self._refuse_and_log_out(message, COMP_ID_PROBLEM, now_ns)
        elif self._off_ns(message, now_ns) > self._tolerance_ns:
            self._refuse_and_log_out(message, SENDING_TIME_PROBLEM, now_ns)
        else:
            return False
        return True

    def _off_ns(self, message: FixMessage, now_ns: int) -> int:
        """Return how far SendingTime(52) is from now; 0 where it is absent or none."""
        index = message.find(_SENDING_TIME)
        if index < 0:
            return 0
        time_ns = timestamps.read_utc_timestamp(
            message.raw, message.start(index), message.stop(index)
        )
        return abs(now_ns - time_ns) if time_ns >= 0 else 0

    def _refuse_and_log_out(self, message: FixMessage, reason: int, now_ns: int) -> None:
        """Answer "CompID problem" and "SendingTime accuracy problem": Reject(3), then Logout(5)."""
        if message.msg_seq_num == self._inbound.next_expected:
            self._inbound.advance(message.msg_seq_num + 1)
        refusal = self._dictionary.refusal(reason)
        self._refuse(message, refusal, now_ns)
        self.send_logout(refusal.text, now_ns)

    def _receive_early(self, message: FixMessage, now_ns: int) -> None:
        """Keep a message until what is missing has come, and ask for that.

        Two can't wait. A ResendRequest(2) is answered first, or two sides that both miss something
        would wait for each other; and a Logout(5) ends the session, leaving the gap to the next.
        """
        number = message.msg_seq_num
        if message.msg_type == LOGOUT:
            self._answer_logout(message, now_ns)
            return
        if message.msg_type == RESEND_REQUEST and self._dictionary.validate(message) is None:
            self._answer_resend_request(message, now_ns)
            self._inbound.keep_early(number, None)
        else:
            self._inbound.keep_early(number, message)
        if self.state is State.IN_SESSION:
            self._ask_for_missing(number, now_ns)

    def _process_early(self, now_ns: int) -> None:
        """Take what came early and whose turn it is now; ask again if there is another gap."""
        while self.is_logged_on:
            came_early, message = self._inbound.take_early()
            if not came_early:
                break
            if message is None:
                self._inbound.advance(self._inbound.next_expected + 1)
            else:
                self._process(message, now_ns)
        if self.state is State.RECOVERING and self._inbound.is_gap_filled:
            self._step(Step.GAP_FILLED, now_ns)
            following = self._inbound.first_early
            if following:
                self._ask_for_missing(following, now_ns)

    def _ask_for_missing(self, early_number: int, now_ns: int) -> None:
        self._inbound.miss_until(early_number)
        self._send_resend_request(now_ns)
        self._step(Step.GAP_FOUND, now_ns)

    def _wait_for_missing(self, early_number: int, now_ns: int) -> None:
        """Let what is missing come without a question; ask if it doesn't."""
        self._inbound.miss_until(early_number)
        self._asked_from = self._inbound.next_expected
        self._step(Step.GAP_FOUND, now_ns)

    def _send_resend_request(self, now_ns: int) -> None:
        begin = self._asked_from = self._inbound.next_expected
        self._send(
            RESEND_REQUEST, [(tags.BeginSeqNo, b"%d" % begin), (tags.EndSeqNo, b"0")], now_ns
        )

    def _ask_again(self, now_ns: int, patience_ns: int) -> None:
        """Ask anew for what is missing if nothing of it has come for a while.

        What was sent again may have been garbled in its turn.
        """
        if self.state is State.RECOVERING and now_ns - self._state_since_ns >= patience_ns:
            self._state_since_ns = now_ns
            if self._asked_from == self._inbound.next_expected:
                self._send_resend_request(now_ns)
            self._asked_from = self._inbound.next_expected

    def _process(self, message: FixMessage, now_ns: int) -> None:
        """Take the message whose turn it is."""
        refusal = self._dictionary.validate(message)
        if refusal is None and message.find(_POSS_DUP_FLAG) >= 0 and message.is_poss_dup:
            refusal = self._fault_of_poss_dup(message)
        if refusal is not None:
            self._inbound.advance(message.msg_seq_num + 1)
            self._events.append(MessageRefused(message, refusal.text))
            self._refuse(message, refusal, now_ns)
        elif message.msg_type not in _ADMINISTRATIVE:
            self._inbound.hand_up(message.msg_seq_num)
            self._events.append(message)
        elif message.msg_type == SEQUENCE_RESET:
            self._receive_gap_fill(message, now_ns)
        else:
            self._inbound.advance(message.msg_seq_num + 1)
            self._administer(message, now_ns)

    def _administer(self, message: FixMessage, now_ns: int) -> None:
        match message.msg_type:
            case b"1":
                self._send(
                    HEARTBEAT, [(tags.TestReqID, message.get(tags.TestReqID) or b"")], now_ns
                )
            case b"2":
                self._answer_resend_request(message, now_ns)
            case b"3":
                self._events.append(RejectReceived(message))
            case b"5":
                self._answer_logout(message, now_ns)
            case b"A":
                if not message.is_poss_dup:
                    self._end("Logon(A) received while logged on", now_ns)

    def _fault_of_poss_dup(self, message: FixMessage) -> Refusal | None:
        """Check OrigSendingTime(122), which PossDupFlag(43) requires.

        Engines differ in whether they send it with a gap fill, which repeats nothing.
        """
        if tags.OrigSendingTime not in message and message.msg_type != SEQUENCE_RESET:
            return self._dictionary.refusal(REQUIRED_TAG_MISSING, tags.OrigSendingTime)
        original_ns = parse_utc_timestamp(message.get(tags.OrigSendingTime) or b"")
        if original_ns > parse_utc_timestamp(message.get(tags.SendingTime) or b""):
            return self._dictionary.refusal(SENDING_TIME_PROBLEM, tags.OrigSendingTime)
        return None

    def _refuse(self, message: FixMessage, refusal: Refusal, now_ns: int) -> None:
        self.send_reject(message, refusal.reason, refusal.ref_tag, refusal.text, now_ns)

    def _receive_gap_fill(self, message: FixMessage, now_ns: int) -> None:
        following = int(message.get(tags.NewSeqNo) or 0)
        if message.msg_seq_num < following <= MSG_SEQ_NUM_MAX:
            self._inbound.advance(following)
            return
        self._inbound.advance(message.msg_seq_num + 1)
        self._refuse(message, self._dictionary.refusal(VALUE_INCORRECT, tags.NewSeqNo), now_ns)

    def _receive_sequence_reset(self, message: FixMessage, now_ns: int) -> None:
        """Take SequenceReset(4) in reset mode: its own MsgSeqNum(34) is to be ignored.

        It may only raise the number that is expected next.
        """
        refusal = self._dictionary.validate(message)
        following = 0 if refusal else int(message.get(tags.NewSeqNo) or 0)
        lowest = self._inbound.next_expected
        if refusal is None and not lowest <= following <= MSG_SEQ_NUM_MAX:
            refusal = self._dictionary.refusal(VALUE_INCORRECT, tags.NewSeqNo)
        if refusal is not None:
            self._refuse(message, refusal, now_ns)
        else:
            self._inbound.advance(following)

    def _answer_resend_request(self, message: FixMessage, now_ns: int) -> None:
        """Start sending again; EndSeqNo(16) 0 or too high stands for the last message sent."""
        begin, end = int(message.get(tags.BeginSeqNo) or 0), int(message.get(tags.EndSeqNo) or 0)
        last = self._outbound.store.next_sender_msg_seq_num - 1
        if not 1 <= begin <= last:
            wrong_tag = tags.BeginSeqNo
        elif 0 < end < begin:
            wrong_tag = tags.EndSeqNo
        else:
            self._outbound.resend(begin, min(end, last) if end else last)
            return
        self._refuse(message, self._dictionary.refusal(VALUE_INCORRECT, wrong_tag), now_ns)

    def _answer_logout(self, message: FixMessage, now_ns: int) -> None:
        self._send(LOGOUT, [], now_ns)
        text = text_of(message)
        self._close(Step.LOGOUT_RECEIVED, text or "logged out by the peer", by_logout=True)

    def _receive_while_logging_out(self, message: FixMessage, now_ns: int) -> None:
        """Leave application messages to the next logon; see `states`."""
        if message.msg_type in ADMINISTRATIVE and self._dictionary.validate(message) is None:
            if message.msg_seq_num == self._inbound.next_expected:
                self._inbound.advance(message.msg_seq_num + 1)
            if message.msg_type == LOGOUT:
                self._close(Step.LOGOUT_RECEIVED, "logged out", by_logout=True)
            elif message.msg_type == RESEND_REQUEST:
                self._answer_resend_request(message, now_ns)


def _is_reset_mode(message: FixMessage) -> bool:
    return message.msg_type == _SEQUENCE_RESET and message.get(tags.GapFillFlag) != b"Y"
