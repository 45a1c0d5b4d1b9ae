"""Instances that crash and lose their connections at any moment: the same orders, each once."""

from __future__ import annotations

import pytest

from tests.trading.execution.small_world import World
from trading.events import DecisionTaken


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("instances", [1, 3])
def test_every_decision_has_its_order_once_and_the_stream_tells_all_of_it(
    instances: int, seed: int
) -> None:
    world = World(seed, instances, decisions=60)
    world.run(600)
    assert world.crashes
    world.check()


def test_without_faults_one_and_three_instances_make_the_same_orders() -> None:
    worlds = [World(7, instances, decisions=60) for instances in (1, 3)]
    for world in worlds:
        world.run(0)
        world.check()
        assert world.venue.repeats == 0
    alone, shared = map(taken, worlds)
    assert alone == shared


def taken(world: World) -> list[tuple[int, int]]:
    return [
        (each.number, each.lots) for each in world.stream.events if isinstance(each, DecisionTaken)
    ]
