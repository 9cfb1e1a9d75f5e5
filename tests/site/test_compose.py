"""docker-compose.yml, tools/Dockerfile and the shell scripts, read as their own tools read them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.compose_site import ROOT, compose_file

SERVICES = compose_file({})["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
TOOLS = Path(sys.executable).parent
SCRIPTS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tools/**/*.sh"))


def assert_nothing_to_say(*command: str) -> None:
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_compose_file_keeps_to_the_specification():
    tool = str(TOOLS / "check-jsonschema")
    assert_nothing_to_say(tool, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_linters_have_nothing_to_say():
    assert_nothing_to_say(str(TOOLS / "hadolint"), "tools/Dockerfile")
    assert_nothing_to_say(str(TOOLS / "shellcheck"), "--external-sources", *SCRIPTS)


def test_what_services_name_is_there():
    compose = compose_file({})
    for name, service in SERVICES.items():
        volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
        named = {volume for volume in volumes if not volume.startswith((".", "/"))}
        assert named <= compose["volumes"].keys(), name
        assert set(service.get("secrets", [])) <= compose["secrets"].keys(), name
        assert set(service["networks"]) <= compose["networks"].keys(), name
        assert set(service.get("depends_on", [])) <= SERVICES.keys(), name
        for waited_for, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[waited_for]["healthcheck"], (name, waited_for)


def test_make_secrets_makes_all_that_is_named_once(tmp_path):
    def make() -> dict[str, bytes]:
        subprocess.run(
            ["bash", "tools/make_secrets.sh", "hamster.example.com"],
            cwd=ROOT,
            env=os.environ | {"SECRETS_DIR": str(tmp_path / "secrets")},
            check=True,
        )
        return {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir() if path.is_file()}

    if shutil.which("openssl") is None:
        pytest.skip("openssl isn't installed")
    made = make()
    assert made.keys() == compose_file({})["secrets"].keys()
    assert made["postgres_password"].strip() in made["database_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert make() == made


@pytest.mark.parametrize("name", SERVICES)
def test_container_can_do_no_more_than_it_has_to(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert ("ports" in service) == (name == "proxy"), "only the proxy can be reached from outside"
    secrets = [key for key in service.get("environment", {}) if "PASSWORD" in key or "KEY" in key]
    assert all(key.endswith("_FILE") for key in secrets)
    if name != "prepare":
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]


def test_images_of_ours_run_as_no_root_and_only_training_has_torch():
    stages = {}
    for line in (ROOT / "tools/Dockerfile").read_text().splitlines():
        if line.startswith("FROM "):
            stages[line.split()[-1]] = {"from": line.split()[1], "lines": []}
        elif stages:
            stages[list(stages)[-1]]["lines"].append(line)
    for name in OURS:
        target = SERVICES[name]["build"]["target"]
        lines = stages[target]["lines"]
        assert "USER 10001" in lines, name
        packages = "all-packages" if name.startswith("training") else "web-packages"
        assert f"COPY --from={packages} /opt/venv /opt/venv" in lines, name
    assert list(stages)[-1] == "web", "what is built unless told otherwise"
    assert not any("requirements.txt" in line for line in stages["web-packages"]["lines"])


def test_shell_in_a_container_says_when_there_is_no_docker(tmp_path):
    command = ["bash", "tools/run_docker.sh"]
    environment = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/nowhere"}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Docker isn't installed" in refused.stderr or "No Docker engine answers" in refused.stderr
