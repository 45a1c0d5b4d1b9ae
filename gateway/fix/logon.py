"""What a Logon(A) must fulfil before anyone asks who it is."""

from gateway.fix import tags, values
from gateway.fix.codec import BEGIN_STRING, MSG_SEQ_NUM_MAX, FixMessage
from gateway.fix.dictionary import REASON_TEXTS, SENDING_TIME_PROBLEM, Dictionary
from gateway.fix.settings import SessionSettings
from gateway.fix.timestamps import parse_utc_timestamp


def fault_of_logon(
    message: FixMessage, settings: SessionSettings, dictionary: Dictionary, now_ns: int
) -> str:
    """Return why a session can't begin with this Logon(A), or "" if it can."""
    if message.get(tags.BeginString) != BEGIN_STRING:
        return "BeginString(8) must be FIX.4.4"
    if message.get(tags.TargetCompID) != settings.sender_comp_id:
        return "TargetCompID(56) is unknown"
    if settings.target_comp_id and message.get(tags.SenderCompID) != settings.target_comp_id:
        return "SenderCompID(49) is unknown"
    if not message.msg_seq_num:
        return f"MsgSeqNum(34) must be 1 to {MSG_SEQ_NUM_MAX}"
    refusal = dictionary.validate(message)
    if refusal:
        return refusal.text
    sending_time_ns = parse_utc_timestamp(message.get(tags.SendingTime) or b"")
    if abs(now_ns - sending_time_ns) > settings.sending_time_tolerance_ns:
        return f"{REASON_TEXTS[SENDING_TIME_PROBLEM]}: SendingTime(52)"
    if message.get(tags.EncryptMethod) != values.EncryptMethod.NONE:
        return "EncryptMethod(98) must be 0"
    least, most = settings.heartbeat_interval_s_min, settings.heartbeat_interval_s_max
    interval_s = int(message.get(tags.HeartBtInt) or 0)
    if not least <= interval_s <= most:
        return f"HeartBtInt(108) must be {least} to {most}, received {interval_s}"
    if is_reset(message) and message.msg_seq_num != 1:
        return f"MsgSeqNum(34) must be 1 with ResetSeqNumFlag(141), received {message.msg_seq_num}"
    return ""


def is_reset(message: FixMessage) -> bool:
    return message.get(tags.ResetSeqNumFlag) == b"Y"
