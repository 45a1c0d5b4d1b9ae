from hypothesis import given
from hypothesis import strategies as st

from vocabulary.trace_ids import is_sampled, sampling_bound, span_id, trace_id
from vocabulary.tracing import HOPS, VENUE_HOPS, Tracing

NOW_NS = 1_767_225_600_123_456_789
sequences = st.integers(1, 2**63 - 1)


@given(sequences, st.integers(0, 2**32 * 10**9 - 1))
def test_a_trace_id_has_the_form_that_x_ray_takes(sequence: int, timestamp_ns: int) -> None:
    text = f"{trace_id(sequence, timestamp_ns):032x}"
    assert len(text) == 32
    assert int(text[:8], 16) == timestamp_ns // 10**9


def test_every_order_has_a_trace_of_its_own_also_after_a_new_start_of_the_journal() -> None:
    ids = {trace_id(sequence, NOW_NS + day) for sequence in range(1, 1_001) for day in (0, 1)}
    assert len(ids) == 2_000
    assert len({each % 2**96 for each in ids}) == 2_000  # X-Ray's unique part


@given(sequences)
def test_span_ids_differ_by_hop_and_instance(sequence: int) -> None:
    trace = trace_id(sequence, NOW_NS)
    ids = {span_id(trace, hop, instance) for hop in HOPS for instance in range(3)}
    assert len(ids) == 3 * len(HOPS)
    assert all(0 < each < 2**64 for each in ids)


@given(sequences)
def test_the_ends_of_the_rate_are_all_and_none(sequence: int) -> None:
    assert is_sampled(sequence, sampling_bound(1))
    assert not is_sampled(sequence, sampling_bound(0))


@given(st.integers(1, 2**62), st.sampled_from([0.001, 0.01, 0.1, 0.5]), st.sampled_from([1, 2, 7]))
def test_any_stretch_of_sequences_holds_the_share_asked_for(
    first: int, rate: float, step: int
) -> None:
    bound = sampling_bound(rate)
    stretch = range(first, first + 20_000 * step, step)
    assert abs(sum(is_sampled(each, bound) for each in stretch) - 20_000 * rate) < 20


@given(sequences)
def test_what_a_low_rate_samples_a_higher_one_samples_too(sequence: int) -> None:
    sampled = [is_sampled(sequence, sampling_bound(rate)) for rate in (0.01, 0.1, 1)]
    assert sampled == sorted(sampled)


def test_a_batch_and_a_single_record_are_judged_alike() -> None:
    tracing = Tracing(0.1, lambda _passage: None)
    batch = tracing.sampled(5, 500, NOW_NS)
    assert batch == [(each, NOW_NS) for each in range(5, 501) if tracing.samples(each)]
    assert 40 < len(batch) < 60


def test_every_hop_is_reached_from_the_first() -> None:
    for name in HOPS:
        hop = name
        for _ in HOPS:
            hop = HOPS[hop].parent or hop
        assert hop == ("gateway.order" if name in VENUE_HOPS else "feeds.publish")
