"""What `kubectl apply --kustomize` would give a cluster."""

import warnings
from typing import Any

import kubernetes_validate
import pytest

from agio import configuration, health_server, services
from agio.__main__ import main
from agio.configuration import Configuration
from tests.deploy import cluster
from tests.deploy.cluster import OVERLAYS, Manifest, of_kind, ours, pods

pytestmark = pytest.mark.cloud
SECRET_SETTINGS = {"postgres_url", "redis_url", "ops_token", "service_token", "master_key"}
SUPPLIED = {
    "postgres-url": "postgresql://agio:password@ledger:5432/agio",
    "redis-url": "rediss+cluster://agio:password@cache:6379",
    "master-key": "A" * 43 + "=",
}
KUBERNETES_VERSIONS = ("1.33", "1.37")
# What a controller of AWS's defines: no schema of it comes with Kubernetes.
OF_CONTROLLERS = "elbv2.k8s.aws/"

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_every_manifest_is_of_its_schema(overlay: str, version: str) -> None:
    for manifest in cluster.render(overlay):
        if manifest["apiVersion"].startswith(OF_CONTROLLERS):
            continue
        with warnings.catch_warnings(action="ignore"):
            kubernetes_validate.validate(manifest, version, strict=True)


@every_overlay
def test_every_service_of_the_venue_has_a_workload(overlay: str) -> None:
    run = {tuple(part["args"]) for pod in ours(overlay).values() for part in all_ours(pod)}
    assert {words[0] for words in run} >= set(services.SERVICES)
    for words in run:
        assert words[0] in main.commands
    assert {"matching", "accounts", "marketdata", "gateway", "feed", "fix"} <= set(ours(overlay))
    if overlay == "aws":
        assert {words[0] for words in run} >= {"archive", "backup", "stream", "trade-history"}


def all_ours(pod: Manifest) -> list[Manifest]:
    return [part for part in cluster.containers(pod) if part["image"].startswith("agio:")]


@every_overlay
def test_every_variable_is_a_setting_and_its_value_is_taken(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pod in ours(overlay).values():
        for container in all_ours(pod):
            with monkeypatch.context() as variables:
                for name, value in cluster.environment(overlay, container).items():
                    if not name.startswith("AGIO_"):
                        continue
                    setting = name.removeprefix("AGIO_").lower()
                    assert setting in Configuration.model_fields, name
                    text = value if isinstance(value, str) else supplied(value)
                    variables.setenv(name, text)
                configuration.load()


def supplied(reference: Manifest) -> str:
    if reference.get("fieldRef") == {"fieldPath": "metadata.name"}:
        return "fix-0"
    key = reference["secretKeyRef"]["key"]
    return SUPPLIED.get(key, f"some-{key}")


@every_overlay
def test_secrets_come_by_reference_and_only_to_who_needs_them(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    given = {}
    for app, pod in ours(overlay).items():
        variables = cluster.environment(overlay, cluster.containers(pod)[0])
        settings = {name.removeprefix("AGIO_").lower(): value for name, value in variables.items()}
        given[app] = {name for name in settings if name in SECRET_SETTINGS}
        for name in given[app]:
            assert settings[name] == {
                "secretKeyRef": {"name": "agio", "key": name.replace("_", "-")}
            }
    doors = {"redis_url", "service_token"}
    for app in ("matching", *(set(services.OPTIONAL_SERVICES) & set(given))):
        assert given.pop(app) == set(), app
    for sidecar in cluster.containers(ours(overlay)["matching"])[1:]:
        names = {
            name.removeprefix("AGIO_").lower() for name in cluster.environment(overlay, sidecar)
        }
        assert names & SECRET_SETTINGS == {"postgres_url"}
    assert given.pop("marketdata") == {"redis_url"}
    assert given.pop("accounts") == {"postgres_url", "ops_token", "service_token", "master_key"}
    assert {app: given.pop(app) for app in ("feed", "fix", "gateway")} == {
        "feed": doors,
        "fix": doors,
        "gateway": doors,
    }
    assert not any("master_key" in names for names in given.values())


@every_overlay
def test_ports_are_those_that_the_services_listen_on(overlay: str) -> None:
    defaults = configuration.load().model_dump()
    for app, pod in ours(overlay).items():
        listening = {
            "metrics": defaults[f"{all_ours(pod)[0]['args'][0].replace('-', '_')}_metrics_port"],
            "link": 9890,
            "ops": defaults["ops_port"],
            "rest": defaults["rest_port"],
            "websocket": defaults["websocket_port"],
            "fix": defaults["fix_port"],
            "fix-drop-copy": defaults["fix_drop_copy_port"],
            "fix-market": defaults["fix_market_data_port"],
        }
        named = cluster.ports(pod)
        if "metrics-backup" in named:
            listening["metrics-backup"] = defaults["backup_metrics_port"]
        assert named.items() <= listening.items(), app
        assert "metrics" in named


@every_overlay
def test_the_services_lead_to_pods_that_listen(overlay: str) -> None:
    for name, service in of_kind(overlay, "Service").items():
        pod = pods(overlay)[service["spec"]["selector"]["app"]]
        for port in service["spec"]["ports"]:
            assert cluster.ports(pod)[port["targetPort"]] == port["port"], name
    names = set(of_kind(overlay, "Service"))
    settings = next(iter(of_kind(overlay, "ConfigMap").values()))["data"]
    hosts = {settings["AGIO_MATCHING_ADDRESS"], settings["AGIO_OPS_URL"]}
    assert {host.split("/")[2].split(":")[0] for host in hosts} <= names


@every_overlay
def test_every_pod_meets_the_restricted_standard_and_writes_only_to_volumes(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        if name in ours(overlay):
            assert spec["serviceAccountName"] == name
            assert name in of_kind(overlay, "ServiceAccount")
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
    namespace = of_kind(overlay, "Namespace")["agio"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@every_overlay
async def test_every_service_is_asked_what_it_answers(overlay: str) -> None:
    import aiohttp

    state = {"ready": True, "feed": {"ready": True}}
    runner = await health_server.serve_health(lambda: state, "127.0.0.1", 0)
    port = runner.addresses[0][1]
    for pod in ours(overlay).values():
        for container in all_ours(pod):
            kinds = ("startup", "readiness", "liveness")
            asked = [probe for kind in kinds if (probe := container.get(f"{kind}Probe"))]
            assert len(asked) == 3 or container["name"] != "agio"
            for probe in asked:
                request = probe["httpGet"]
                assert request["port"] == container["ports"][-1]["name"]
                async with aiohttp.ClientSession() as client:
                    answer = await client.get(f"http://127.0.0.1:{port}{request['path']}")
                    assert answer.status == 200, request["path"]
            assert asked[-1]["httpGet"]["path"] == "/live"  # a restart mends no store that is down
    await runner.cleanup()


@every_overlay
def test_matching_is_one_and_fenced(overlay: str) -> None:
    matching = of_kind(overlay, "StatefulSet")["matching"]["spec"]
    assert matching["replicas"] == 1
    claim = matching["volumeClaimTemplates"][0]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert matching["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"
    pod = matching["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 60
    for container in pod["containers"]:  # or the pod as a whole is not guaranteed
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert of_kind(overlay, "PodDisruptionBudget")["matching"]["spec"]["maxUnavailable"] == 0
    for name, scaler in of_kind(overlay, "HorizontalPodAutoscaler").items():
        assert name != "matching", scaler


@every_overlay
def test_singles_never_overlap_and_doors_never_lack(overlay: str) -> None:
    deployments = of_kind(overlay, "Deployment")
    for name in set(deployments) - {"feed", "gateway"}:
        assert deployments[name]["spec"]["replicas"] == 1
        assert deployments[name]["spec"]["strategy"]["type"] == "Recreate"
    scaled: dict[str, Any] = of_kind(overlay, "HorizontalPodAutoscaler")
    assert set(scaled) == {"feed", "gateway"}
    for name in scaled:
        assert "replicas" not in deployments[name]["spec"]  # the scaler's to say
        assert deployments[name]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        spread = deployments[name]["spec"]["template"]["spec"]["topologySpreadConstraints"]
        zones = [each for each in spread if each["topologyKey"] == "topology.kubernetes.io/zone"]
        assert zones[0]["whenUnsatisfiable"] == "DoNotSchedule"
    assert set(of_kind(overlay, "PodDisruptionBudget")) == set(ours(overlay))


@every_overlay
def test_each_fix_replica_is_reached_by_a_service_of_its_own(overlay: str) -> None:
    fix = of_kind(overlay, "StatefulSet")["fix"]["spec"]
    services_of_fix = [
        service["spec"]
        for service in of_kind(overlay, "Service").values()
        if service["spec"]["selector"]["app"] == "fix"
        and service["spec"].get("clusterIP") != "None"
    ]
    pod_names = [each["selector"]["statefulset.kubernetes.io/pod-name"] for each in services_of_fix]
    assert sorted(pod_names) == [f"fix-{number}" for number in range(fix["replicas"])]
