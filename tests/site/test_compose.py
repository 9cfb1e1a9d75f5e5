"""docker-compose.yml, tools/Dockerfile and the shell scripts, read as their own tools read them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.compose_site import ROOT, compose_file

SERVICES = compose_file({})["services"]
SECRET = re.compile("PASSWORD|KEY|TOKEN|SECRET|DATABASE_URL|EMAIL_URL|SENTRY_DSN")
# Those of images that are not ours; the proxy's image itself says nginx (101).
USERS = {"proxy": "101", "redis": "redis", "postgres": "postgres"}
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


def test_containers_see_no_others_than_they_need():
    expected = {"proxy": {"front"}, "web": {"front", "inside"}, "redis": {"inside"}, "postgres": {"inside"}}
    for name, service in SERVICES.items():
        assert set(service["networks"]) == expected.get(name, {"inside", "out"}), name
    assert compose_file({})["networks"] == {"front": {}, "out": {}, "inside": {"internal": True}}


def test_names_of_the_site_are_those_of_site_host_alone():
    services = compose_file({"SITE_HOST": "hamster.example.com,hamster.example.org"})["services"]
    for name in OURS:
        assert services[name]["environment"]["ALLOWED_HOSTS"] == "hamster.example.com,hamster.example.org"
    assert services["proxy"]["environment"]["SITE_HOST"] == "hamster.example.com,hamster.example.org"
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"] == "localhost"


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
def test_container_is_given_secrets_as_files_only(name):
    """What stands in `environment` is in the output of `docker inspect` and of every crash."""
    service = SERVICES[name]
    stated = {key: str(value) for key, value in service.get("environment", {}).items()}
    assert {key for key in stated if SECRET.search(key)} == {key for key in stated if key.endswith("_FILE")}
    for key, value in stated.items():
        assert not re.search("://[^/]*@", value), key
        if key.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in service["secrets"], key


@pytest.mark.parametrize("name", SERVICES)
def test_container_can_do_no_more_than_it_has_to(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert ("ports" in service) == (name == "proxy"), "only the proxy can be reached from outside"
    if name not in OURS:
        assert service["user"] == USERS[name]
    if name != "prepare":
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]


def packages_of(requirements: Path) -> set[str]:
    """All that is installed by a file of requirements, with the files that it names."""
    packages: set[str] = set()
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            packages |= packages_of(requirements.parent / line.removeprefix("-r ").strip())
        elif found := re.match(r"\w[\w.-]*", line):
            packages.add(found[0].lower())
        else:
            assert not line or line.startswith("#"), line
    return packages


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
    (install,) = [line for line in stages["web-packages"]["lines"] if "pip install" in line]
    assert install.endswith('pip install --no-cache-dir -r requirements-web.txt ${FAST:+-r "$FAST"}')
    for name in ("requirements-web.txt", "requirements-fast.txt"):
        assert not {"torch", "torchvision"} & packages_of(ROOT / name), name
    assert "torch" in packages_of(ROOT / "requirements.txt")


def test_shell_in_a_container_says_when_there_is_no_docker(tmp_path):
    command = ["bash", "tools/run_docker.sh"]
    environment = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/nowhere"}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Docker isn't installed" in refused.stderr or "No Docker engine answers" in refused.stderr
