"""What is agreed for a session beforehand, and its limits."""

from dataclasses import dataclass

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Settings of a session; one object may serve many.

    `sender_comp_id` is always our own CompID, `target_comp_id` the peer's: an initiator knows it,
    an acceptor learns it from Logon(A). `heartbeat_interval_s`, `username`, `password` and
    `reset_on_logon` are what an initiator puts into its Logon(A).
    """

    sender_comp_id: bytes
    target_comp_id: bytes = b""
    heartbeat_interval_s: int = 30
    username: bytes = b""
    password: bytes = b""
    reset_on_logon: bool = False

    heartbeat_interval_s_min: int = 1
    heartbeat_interval_s_max: int = 60
    # FIX 4.4 vol. 2, "SendingTime": accurate to two minutes.
    sending_time_tolerance_ns: int = 120 * SECOND_NS
    logon_timeout_ns: int = 5 * SECOND_NS
    logout_timeout_ns: int = 5 * SECOND_NS
    message_bytes_max: int = 16_384
    early_messages_max: int = 10_000  # kept while a gap is being filled
    backlog_bytes_max: int = 262_144  # kept while a Logon(A) is being judged
    resend_chunk_bytes: int = 65_536  # of a resend in one `data_to_send`
