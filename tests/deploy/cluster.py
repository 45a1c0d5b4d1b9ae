"""The manifests of an overlay as kubectl renders them, and what a test asks of them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from agio.hot_paths import ROOT

MANIFESTS = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.parent.name for path in MANIFESTS.glob("overlays/*/kustomization.yaml"))
WORKLOADS = ("Deployment", "StatefulSet")
Manifest = dict[str, Any]


@cache
def render(overlay: str) -> tuple[Manifest, ...]:
    kubectl = Path(sys.executable).with_name("kubectl")
    text = subprocess.check_output(
        [kubectl, "kustomize", MANIFESTS / "overlays" / overlay], text=True
    )
    return tuple(yaml.safe_load_all(text))


def of_kind(overlay: str, *kinds: str) -> dict[str, Manifest]:
    return {
        manifest["metadata"]["name"]: manifest
        for manifest in render(overlay)
        if manifest["kind"] in kinds
    }


def pods(overlay: str) -> dict[str, Manifest]:
    """Return the pod templates by their `app`."""
    templates = [each["spec"]["template"] for each in of_kind(overlay, *WORKLOADS).values()]
    return {each["metadata"]["labels"]["app"]: each for each in templates}


def containers(template: Manifest) -> list[Manifest]:
    found: list[Manifest] = template["spec"]["containers"]
    return found


def ports(template: Manifest) -> dict[str, int]:
    """Return a pod's ports by name."""
    return {
        port["name"]: port["containerPort"]
        for container in containers(template)
        for port in container.get("ports", ())
    }


def ours(overlay: str) -> dict[str, Manifest]:
    """Return the pods that run our image."""
    return {
        app: template
        for app, template in pods(overlay).items()
        if containers(template)[0]["image"].startswith("agio:")
    }


def environment(overlay: str, container: Manifest) -> dict[str, str | Manifest]:
    """Return a container's variables: texts, or references to secrets."""
    maps = of_kind(overlay, "ConfigMap")
    found: dict[str, str | Manifest] = {}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]["data"]
    for entry in container.get("env", ()):
        found[entry["name"]] = entry["value"] if "value" in entry else entry["valueFrom"]
    return found
