"""compose.yaml: accepted by compose, understood by the services, and as closed as it can be."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.cli import registry
from services.cli.settings import CommandSettings
from shared.broker.real import RealSettings
from shared.settings import SECRETS, variable
from shared.storage.buckets import BucketSettings
from tests.stack.node.compose import Container, compose
from tests.unit.docker.conftest import Loading


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """compose.yaml with all that the values of tests/stack/node leave out."""
    return dict(json.loads(compose("config", "--format", "json"))["services"])


def test_compose_accepts_the_file_with_all_profiles() -> None:
    assert compose("config", "--quiet") == ""


def test_every_service_is_served_by_the_container_of_its_name(node: dict[str, Container]) -> None:
    serving = {name: container.command for name, container in node.items() if container.serves({"standalone"})}
    assert serving == {service: ("serve", service) for service in registry.SERVICES}


def test_only_orchestrate_waits_for_its_profile(node: dict[str, Container]) -> None:
    waiting = {name for name in registry.SERVICES if not node[name].serves(())}
    assert waiting == {"orchestrate"}


@pytest.mark.parametrize("service", registry.SERVICES)
def test_a_service_starts_with_what_its_container_gives_it(service: str, loading: Loading) -> None:
    settings = loading(service)
    assert isinstance(settings, RealSettings)
    assert f"//strongroom_{service}:" in settings.database_url.get_secret_value()
    assert f"//strongroom_{service}:" in settings.broker_url.get_secret_value()
    assert not settings.broker_declare


@pytest.mark.parametrize("service", registry.SERVICES)
def test_a_container_is_given_nothing_that_its_service_does_not_read(service: str, node: dict[str, Container]) -> None:
    known = {variable(field) for field in registry.process_fields(service)}
    container = node[service]
    assert set(container.environment) - known == {SECRETS}
    values = "".join(container.environment.values())
    unread = {name for name in container.secrets if name.upper() not in known and f"/run/secrets/{name}" not in values}
    assert not unread


def test_migration_and_staff_are_given_what_they_read(node: dict[str, Container]) -> None:
    migration = {*BucketSettings.model_fields, *CommandSettings.model_fields}
    assert set(node["migrate"].environment) <= {SECRETS, *map(variable, migration)}
    assert set(node["staff"].environment) <= {SECRETS, *map(variable, CommandSettings.model_fields)}


def test_who_signs_tokens_has_a_key_of_its_own(node: dict[str, Container]) -> None:
    for key, holder in (("token.pem", "staff"), ("login.pem", "login")):
        assert [name for name, container in node.items() if key in container.secrets] == [holder]


def test_the_archives_key_is_given_to_those_who_open_headers(node: dict[str, Container]) -> None:
    holders = {name for name, container in node.items() if "archive.sec" in container.secrets}
    assert holders == {"ingest", "verify", "outbox", "export"}


def test_the_script_makes_every_secret_that_compose_mounts(secrets: Path, node: dict[str, Container]) -> None:
    wanted = {file for container in node.values() for file in container.secrets.values()}
    assert wanted
    assert all(file.parent == secrets and file.stat().st_size for file in wanted)
    assert secrets.stat().st_mode & 0o777 == 0o700


def test_every_container_is_closed(whole: dict[str, Any]) -> None:
    for name, service in whole.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert "privileged" not in service, name


def test_images_of_others_run_as_a_user_that_compose_names(whole: dict[str, Any]) -> None:
    foreign = {name: service.get("user") for name, service in whole.items() if "build" not in service}
    assert foreign == {"rabbitmq": "999:999", "postgres": "999:999"}


def test_what_runs_on_is_watched_and_started_again(whole: dict[str, Any]) -> None:
    lasting = {name for name, service in whole.items() if service["restart"] == "unless-stopped"}
    assert lasting == set(whole) - {"migrate", "staff"}
    for name in lasting:
        assert whole[name]["healthcheck"]["test"][0] == "CMD", name


def test_services_wait_for_servers_and_migration(whole: dict[str, Any]) -> None:
    for name in registry.SERVICES:
        conditions = {other: wait["condition"] for other, wait in whole[name]["depends_on"].items()}
        healthy = dict.fromkeys(("rabbitmq", "postgres", "minio"), "service_healthy")
        assert conditions == healthy | {"migrate": "service_completed_successfully"}, name


def test_only_the_fronts_are_published_and_only_on_this_machine(whole: dict[str, Any]) -> None:
    published = {name: [port["host_ip"] for port in service.get("ports", ())] for name, service in whole.items()}
    fronts = {"inbox": 2, "outbox": 1, "login": 1}  # the inbox by SFTP and by S3
    assert {name: ips for name, ips in published.items() if ips} == {
        front: ["127.0.0.1"] * ports for front, ports in fronts.items()
    }
    assert {name for name, service in whole.items() if "front" in service["networks"]} == set(fronts)


def test_no_secret_stands_in_an_environment(secrets: Path, whole: dict[str, Any]) -> None:
    values = [str(value) for service in whole.values() for value in (service.get("environment") or {}).values()]
    contents = {file.read_text(encoding="utf-8").strip() for file in secrets.iterdir()} - {"strongroom", ""}
    assert not contents & set(values)
