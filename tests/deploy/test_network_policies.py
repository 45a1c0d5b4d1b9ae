"""Who may talk to whom in the cluster: what the policies allow is what the services do."""

from itertools import product

import pytest

from tests.deploy.cluster import OVERLAYS, Manifest, of_kind, pods, ports

pytestmark = pytest.mark.cloud

READERS = ("accounts", "archive", "feed", "fix", "gateway", "marketdata", "stream", "trade-history")
DOORS = ("feed", "fix", "gateway")
FLOWS = {
    *((reader, "matching", 9890) for reader in READERS),
    *((door, "accounts", 8081) for door in DOORS),
    # In the overlay that brings them.
    *((reader, "valkey", 6379) for reader in (*DOORS, "marketdata")),
    ("accounts", "postgres", 5432),
}
# What stands open to all who reach the pod.
OPEN = {
    *(("gateway", port) for port in (8080, 8090)),
    ("feed", 8090),
    *(("fix", port) for port in (9880, 9881, 9882)),
}


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", ())
    )


def allows(
    overlay: str, direction: str, pod: Manifest, peer: Manifest | None, target: Manifest, port: int
) -> bool:
    """Say whether the policies of `pod` let it talk with `peer`, None for one from outside."""
    labels = pod["metadata"]["labels"]
    rules = [
        rule
        for policy in of_kind(overlay, "NetworkPolicy").values()
        if direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get(direction.lower(), ())
    ]
    named = ports(target)
    where = "from" if direction == "Ingress" else "to"
    return any(
        port in {named.get(entry["port"], entry["port"]) for entry in rule["ports"]}
        and (
            where not in rule
            or any(
                peer is not None
                and "podSelector" in entry
                and selects(entry["podSelector"], peer["metadata"]["labels"])
                for entry in rule[where]
            )
        )
        for rule in rules
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_declared_flows_pass(overlay: str) -> None:
    running = pods(overlay)
    passing = {
        (source, target, port)
        for source, target in product(running, running)
        for port in ports(running[target]).values()
        if allows(overlay, "Egress", running[source], running[target], running[target], port)
        and allows(overlay, "Ingress", running[target], running[source], running[target], port)
    }
    assert passing == {flow for flow in FLOWS if {flow[0], flow[1]} <= set(running)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_doors_stand_open(overlay: str) -> None:
    running = pods(overlay)
    reached = {
        (name, port)
        for name, pod in running.items()
        for port in ports(pod).values()
        if allows(overlay, "Ingress", pod, None, pod, port)
    }
    assert reached == OPEN


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_else_is_denied(overlay: str) -> None:
    deny = of_kind(overlay, "NetworkPolicy")["deny-all"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
