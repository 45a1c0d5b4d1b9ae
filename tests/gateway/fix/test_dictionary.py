"""What is wrong with a message, and that nothing is wrong with a good one."""

import pytest

from gateway.fix.codec import Decoder, FixMessage, encode
from gateway.fix.dictionary import REASON_TEXTS, fix44

HEADER = "49=C1|56=AGIO|34=2|52=20260101-00:00:00|"
ORDER = "11=A|55=BTCUSDT|54=1|60=20260101-00:00:00|40=2|"


def message(text: str) -> FixMessage:
    (decoded,) = Decoder().receive_data(encode(text.replace("|", "\x01").encode()))
    return decoded


def order(more: str = "", body: str = ORDER) -> FixMessage:
    return message(f"35=D|{HEADER}{body}{more}")


def verdict(message: FixMessage) -> tuple[int, int | None] | None:
    """Judge a message twice: the second time by its remembered layout."""
    refusals = [fix44().validate(message) for _ in range(2)]
    assert refusals[0] == refusals[1]
    return refusals[0] and refusals[0][:2]


GOOD = [
    "38=1.5|44=50000|59=1|18=6|1=ACC|21=1|",
    "44=-1|18=1 6 A|126=20260101-00:00:00.123|",
    "453=1|448=A|447=D|452=3|",
    "453=2|448=A|452=3|802=2|523=X|803=1|523=Y|448=B|447=D|38=1|",
    "453=0|38=1|",
    "78=2|79=A|539=1|524=N|525=D|538=1|80=5|79=B|80=6|",
    "386=2|336=PRE-OPEN|625=1|336=AFTER-HOURS|38=2|",
    "354=5|355=a\x0111=|58=text|",
    "167=CS|200=202612|541=20261231|",
]


@pytest.mark.parametrize("more", GOOD)
def test_a_good_order_passes(more: str) -> None:
    assert verdict(order(more)) is None


BAD = [
    (0, 999, "999=x|"),
    (0, 0, "0=x|"),
    (0, -1, "-1=x|"),
    (0, 5000, "5000=x|"),
    (2, 150, "150=0|"),
    (2, 108, "108=30|"),
    (4, 1, "1=|"),
    (4, 44, "44=|"),
    (5, 21, "21=4|"),
    (5, 59, "59=x|"),
    (5, 18, "18=6 ?|"),
    (5, 167, "167=BOO|"),
    (6, 38, "38=+1|"),
    (6, 44, "44=1e5|"),
    (6, 126, "126=20260101|"),
    (6, 114, "114=1|"),
    (6, 59, "59=12|"),
    (6, 453, "453=x|"),
    (6, 453, "453=-1|"),
    (13, 55, "55=BTCUSDT|"),
    (13, 38, "38=1|38=2|"),
    (14, 34, "34=2|"),
    (14, 97, "97=Y|"),
    (15, 448, "448=A|"),
    (15, 452, "453=1|452=3|448=A|"),
    (16, 453, "453=1|448=A|452=1|448=B|452=1|"),
    (16, 453, "453=2|448=A|452=1|38=1|"),
    (16, 453, "453=1|38=1|"),
    (16, 802, "453=1|448=A|802=2|523=X|38=1|"),
    (5, 452, "453=1|448=A|452=99|"),
    (6, 80, "78=1|79=A|80=x|"),
]


@pytest.mark.parametrize(("reason", "tag", "more"), BAD)
def test_a_bad_order_is_refused_for_its_reason(reason: int, tag: int, more: str) -> None:
    refusal = fix44().validate(order(more))
    assert refusal is not None
    assert (refusal.reason, refusal.ref_tag) == (reason, tag)
    assert refusal.text == f"{REASON_TEXTS[reason]}: {fix44().name(tag)}"


@pytest.mark.parametrize(("reason", "tag", "more"), BAD)
def test_a_bad_value_is_found_in_a_layout_that_is_known(reason: int, tag: int, more: str) -> None:
    """The same tags with good values have passed before."""
    for good in GOOD:
        fix44().validate(order(good))
    fix44().validate(order("38=1|44=1|"))
    fix44().validate(order("59=1|"))
    assert verdict(order(more)) == (reason, tag)


def test_an_empty_value_is_found_in_a_layout_that_is_known() -> None:
    assert verdict(order("1=ACC|58=text|")) is None
    assert verdict(order("1=ACC|58=|")) == (4, 58)


@pytest.mark.parametrize("tag", [11, 55, 54, 40])
def test_a_field_that_is_required_is_missed(tag: int) -> None:
    body = "".join(f"{part}|" for part in ORDER.split("|")[:-1] if not part.startswith(f"{tag}="))
    assert verdict(order(body=body)) == (1, tag)


@pytest.mark.parametrize("tag", [49, 56, 34, 52])
def test_a_header_field_that_is_required_is_missed(tag: int) -> None:
    header = "".join(
        f"{part}|" for part in HEADER.split("|")[:-1] if not part.startswith(f"{tag}=")
    )
    assert verdict(message(f"35=0|{header}")) == (1, tag)


def test_the_first_fault_is_the_one_that_is_named() -> None:
    assert verdict(order("999=x|44=x|", body="11=A|")) == (0, 999)


def test_a_trailer_field_ends_the_body() -> None:
    assert verdict(order("93=3|89=a\x01b|")) is None
    assert verdict(order("93=1|89=a|38=1|")) == (14, 38)


def test_a_type_that_fix_does_not_have_is_refused() -> None:
    assert verdict(message(f"35=ZZ|{HEADER}")) == (11, 35)


def test_a_type_that_is_left_out_here_needs_a_good_header_only() -> None:
    assert verdict(message(f"35=R|{HEADER}131=x|9999=y|454=0|")) is None
    assert verdict(message("35=R|49=C1|56=AGIO|34=2|131=x|")) == (1, 52)


def test_more_layouts_than_are_remembered_are_judged_right() -> None:
    optional = ["38=1|", "44=1|", "59=1|", "1=A|", "21=1|", "18=6|", "111=1|", "110=1|", "58=t|"]
    for chosen in range(2 ** len(optional)):
        more = "".join(text for place, text in enumerate(optional) if chosen >> place & 1)
        assert fix44().validate(order(more)) is None
    assert verdict(order("".join(optional) + "44=x|")) == (13, 44)


def test_group_members_are_known_for_reading_groups() -> None:
    members = fix44().group_members(b"8", 136)
    entries = message(
        f"35=8|{HEADER}37=1|17=1|150=0|39=0|55=X|54=1|151=0|14=0|6=0|136=1|137=2|138=USDT|139=4|"
    ).entries(136, members)
    assert entries == [{137: b"2", 138: b"USDT", 139: b"4"}]
