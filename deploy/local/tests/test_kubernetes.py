"""The Kubernetes manifests, without a cluster."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster_stack.layout import REPOSITORY
from muster_stack.programs import of_this_environment
from muster_stack.provision import provision
from muster_stack.services import KINDS, SERVICES


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What kustomize reads, with provisioned secrets, outside the repository."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("k8s", "deploy/gateway", "deploy/rabbitmq"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("secrets"))
    provision(root / "k8s" / "overlays" / "dev" / "secrets", {})
    return root


@pytest.fixture(scope="module", params=["base", "overlays/dev"])
def manifests(checkout: Path, request: pytest.FixtureRequest) -> str:
    command = [of_this_environment("kubectl"), "kustomize", checkout / "k8s" / request.param]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _of_kind(manifests: str, *kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in yaml.safe_load_all(manifests) if manifest["kind"] in kinds]


def _pods(manifests: str) -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in _of_kind(manifests, "Deployment", "StatefulSet", "Job")]


def test_every_manifest_is_valid_by_kubernetes_own_schema(manifests: str, tmp_path: Path):
    path = tmp_path / "all.yaml"
    path.write_text(manifests)
    command = [of_this_environment("kubernetes-validate"), "--strict", "--quiet", path]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_every_process_of_every_service_has_a_deployment_with_probes(manifests: str):
    deployments = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in _of_kind(manifests, "Deployment")
    }
    for service in SERVICES:
        for kind in KINDS:
            (container,) = deployments[f"{service.name}-{kind}"]["containers"]
            module = f"{service.module}.{'app' if kind == 'api' else 'worker'}"
            assert container["args"] == ["python", "-m", module]
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_no_two_versions_of_the_worker_that_shares_unversioned_documents_run_at_once(manifests: str):
    strategies = {one["metadata"]["name"]: one["spec"].get("strategy") for one in _of_kind(manifests, "Deployment")}
    assert strategies["monitoring-worker"] == {"type": "Recreate"}
    assert strategies["ota-service-worker"] == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_every_database_has_its_migrations(manifests: str):
    jobs = {one["metadata"]["name"] for one in _of_kind(manifests, "Job")}
    assert jobs == {f"{service.name}-migrate" for service in SERVICES if service.database}


def test_no_container_runs_as_root_or_may_become_it(manifests: str):
    for pod in _pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_container_says_what_it_needs_and_what_it_may_take(manifests: str):
    for pod in _pods(manifests):
        for container in pod["containers"]:
            assert {"requests", "limits"} <= container["resources"].keys()


def test_the_development_overlay_refers_to_nothing_that_is_not_there(checkout: Path):
    command = [of_this_environment("kubectl"), "kustomize", checkout / "k8s" / "overlays" / "dev"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    secrets = {one["metadata"]["name"] for one in _of_kind(rendered, "Secret")}
    configurations = {one["metadata"]["name"] for one in _of_kind(rendered, "ConfigMap")}
    claims = {one["metadata"]["name"] for one in _of_kind(rendered, "PersistentVolumeClaim")}
    for pod in _pods(rendered):
        for volume in pod.get("volumes", []):
            assert volume.get("persistentVolumeClaim", {}).get("claimName", next(iter(claims))) in claims
            assert volume.get("secret", {}).get("secretName", next(iter(secrets))) in secrets
            assert volume.get("configMap", {}).get("name", next(iter(configurations))) in configurations
