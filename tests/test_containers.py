"""What the files for containers say is what the table of processes and the settings say."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import linters
from scripts.supervisor import processes
from scripts.supervisor.processes import HTTP, SCALE, SHARD, STANDARD, Process

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "bengi"}
EXAMPLE = (ROOT / ".env.example").read_text()
SHARDS = 2
SECRET = "a-key-for-this-test" * 3
WORDS = {
    "host": "0.0.0.0",
    "web_port": 8000,
    "stream_port": 8001,
    "feed": "${BENGI_FEED:-simulator}",
    "scratch": "/tmp",
}
SERVERS = {"postgres", "redis", "kafka", "mongo"}


def table(mode: str) -> dict[str, Process]:
    """Return the mode's processes by the names of their services: copies are replicas of one."""
    found = processes.processes(mode, SHARDS)
    copies = {f"{each.name}-{n}": each.name for each in processes.TABLE for n in range(1, 9)}
    return {copies.get(each.name, each.name): each for each in found}


ALL = {name: process for mode in processes.MODES for name, process in table(mode).items()}


def words_of(value: str | list[str]) -> list[str]:
    return shlex.split(value) if isinstance(value, str) else value


@pytest.mark.parametrize("mode", [STANDARD, SCALE])
def test_a_mode_has_the_same_processes_in_containers_and_in_the_table(mode: str) -> None:
    in_profile = {name for name, service in OURS.items() if mode in service["profiles"]}
    assert in_profile == set(table(mode))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_container_is_told_what_the_table_says(name: str) -> None:
    process, service = ALL[name], SERVICES[name]
    assert words_of(service["command"]) == processes.arguments(process, WORDS)
    assert service["stop_grace_period"] == f"{process.stop_s}s"
    assert set(service["environment"]) == set(processes.ENVIRONMENT)
    expected = {HTTP: ["http", str(WORDS.get(process.port))], SHARD: ["shard", name[-1]]}
    if process.health:
        test = ["CMD", "python", "-m", "bengi.probe", *expected[process.health]]
        assert service["healthcheck"]["test"] == test
    else:
        assert service["healthcheck"] == {"disable": True}


def test_there_are_as_many_copies_as_the_table_says() -> None:
    copies = {each.name: each.copies for each in processes.TABLE if not each.per_shard}
    said = {name: service["deploy"].get("replicas", 1) for name, service in OURS.items()}
    assert {name: said[name] for name in copies} == copies


@pytest.mark.parametrize("name", sorted(OURS))
def test_everything_waits_for_what_it_needs(name: str) -> None:
    service = OURS[name]
    waits = {other: how["condition"] for other, how in service["depends_on"].items()}
    for other, condition in waits.items():
        is_server = other in SERVERS
        assert condition == ("service_healthy" if is_server else "service_completed_successfully")
    needed = {"postgres", "redis"} | ({"prepare"} if name != "prepare" else set())
    if service["profiles"] == [SCALE]:
        needed.add("kafka")
    assert set(waits) == needed
    assert all(set(service["profiles"]) <= set(SERVICES[other]["profiles"]) for other in waits)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_process_may_do_little_in_its_container(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("on-failure" if name == "prepare" else "unless-stopped")
    assert service["deploy"]["resources"]["limits"]["memory"]


def test_only_pages_and_sockets_are_published_and_only_to_this_machine() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name for name, ports in published.items() if ports} == {"web", "sockets"}
    for name in ("web", "sockets"):
        (port,) = published[name]
        assert port.startswith("127.0.0.1:"), port


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_servers_are_pinned_watched_and_keep_their_data(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z/]+:\d[\w.]*(-[a-z]+)?", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    (volume,) = service["volumes"]
    assert volume.split(":")[0] == name
    assert name in COMPOSE["volumes"]
    assert service["restart"] == "unless-stopped"


def test_only_who_asks_for_the_scale_out_mode_is_told_of_a_kafka() -> None:
    """The standard mode has none: nobody publishes there, and nothing is to wait for it."""
    for name in OURS:
        assert OURS[name]["environment"]["BENGI_KAFKA"] == "${BENGI_KAFKA:-}"
    assert "BENGI_KAFKA=kafka:9092" in EXAMPLE[: EXAMPLE.index("BENGI_MODE=")]


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert text.count("${BENGI_SECRET_KEY:?") == 1
    assert set(re.findall(r"\$\{(\w+):\?", text)) == {"BENGI_SECRET_KEY", "POSTGRES_PASSWORD"}


# -- .env.example --------------------------------------------------------------------------------


def read_by_the_settings() -> set[str]:
    """Return the names of the variables that the settings of production ask for."""
    names = set()
    for module in ("base", "prod"):
        tree = ast.parse((ROOT / "bengi" / "settings" / f"{module}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] == "env":
                names |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}
    return {name for name in names if isinstance(name, str)}


def interpolated() -> set[str]:
    return set(re.findall(r"\$\{(\w+)[:}]", (ROOT / "docker-compose.yml").read_text()))


def examples() -> dict[str, str]:
    """Return the variables of .env.example, said or commented out, with their values."""
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_the_example_names_every_variable_and_no_other() -> None:
    wanted = read_by_the_settings() | interpolated()
    assert len(wanted) > 20
    assert set(examples()) == wanted | {"COMPOSE_PROFILES"}


def test_the_settings_can_read_every_value_of_the_example(tmp_path: Path) -> None:
    """Every line without its "#", in production, as a container would be told it."""
    ours = {name for name in os.environ if name in examples()}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    told = {**examples(), "BENGI_SECRET_KEY": SECRET, "BENGI_VAR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**kept, **told, "DJANGO_SETTINGS_MODULE": "bengi.settings.prod"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


# -- the image -----------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Return (instruction, rest) of each line of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def test_the_image_is_pinned_unprivileged_and_started_directly() -> None:
    found = instructions()
    bases = [rest.split()[0] for name, rest in found if name == "FROM"]
    assert all(re.fullmatch(r"[a-z]+:\d[\w.]*-[a-z-]+", base) for base in bases), bases
    last_stage = found[max(n for n, (name, _) in enumerate(found) if name == "FROM") :]
    assert ("USER", "10001:10001") in last_stage
    assert {rest[0] for name, rest in last_stage if name == "CMD"} == {"["}
    (health,) = (rest for name, rest in last_stage if name == "HEALTHCHECK")
    assert 'CMD ["python", "-m", "bengi.probe"' in health
    assert not any("SECRET" in rest for name, rest in found if name in {"ENV", "ARG"})
    (install,) = (rest for _, rest in found if "pip wheel" in rest)
    assert "--require-hashes" in install


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with just what COPY puts into the image: what git tracks, less what is ignored."""
    folder = tmp_path_factory.mktemp("image")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for path in filter(None, tracked.split("\0")):
        if not is_ignored(path) and (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


def is_ignored(path: str) -> bool:
    """Return whether .dockerignore leaves a path out; the last pattern that fits says so."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        regex = regex.replace(r"\[co\]", "[co]").replace("py[^/]*", "py[co]")
        if re.match(regex + "(/|$)", path):
            verdict = not line.startswith("!")
    return verdict


def test_what_is_for_developers_stays_out_of_the_image(image: Path) -> None:
    there = {path.relative_to(image).as_posix() for path in image.rglob("*")}
    assert "bengi/settings/prod.py" in there
    assert "manage.py" in there
    assert not [path for path in there if path.startswith((".git", ".env", "tests", "docs"))]
    assert not [path for path in there if "/tests" in path and "node_modules" not in path]


def test_the_image_collects_its_static_files(image: Path, tmp_path: Path) -> None:
    """Run the step of the Dockerfile on what the image holds, and load what a container runs.

    What pages name and what scripts import is there: neither is looked for before a browser asks.
    """
    (step,) = (rest for _, rest in instructions() if "collectstatic" in rest)
    said = re.findall(r"(\w+)=(\S+)", step.split("python")[0])
    static = tmp_path / "static"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BENGI_")
    } | {"BENGI_STATIC": str(static), "BENGI_VAR": str(tmp_path / "var"), **dict(said)}

    def run(*command: str) -> None:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=image,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run(*shlex.split(step[step.index("manage.py") :]))
    assert list(static.glob("vendor/lightweight-charts/*.js.gz"))
    assert [name for name in named_by_pages(image) if not (static / name).is_file()] == []
    assert [path for path in imported_by_scripts(static) if not path.is_file()] == []
    run(
        "-c",
        "import bengi.web, bengi.web_worker, bengi.wsgi, bengi.asgi, bengi.celery, bengi.probe",
    )


def named_by_pages(image: Path) -> set[str]:
    """Return the static files that templates name."""
    tag = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")
    pages = [page for page in image.rglob("*.html") if "templates" in page.parts]
    found = {name for page in pages for name in tag.findall(page.read_text())}
    assert {"js/trade.js", "css/base.css"} <= found
    return found


def imported_by_scripts(static: Path) -> set[Path]:
    """Return the modules that our scripts import."""
    line = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']""")
    scripts = list((static / "js").glob("*.js"))
    found = {
        script.parent / name for script in scripts for name in line.findall(script.read_text())
    }
    assert any("vendor" in path.parts for path in found)
    return found


# -- the workflow --------------------------------------------------------------------------------


WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def steps() -> list[str]:
    return [
        step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step
    ]


def test_the_workflow_names_targets_and_files_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    makes = [words for each in steps() for words in re.findall(r"\bmake ([^\n&|;]+)", each)]
    asked = {word for words in makes for word in words.split() if "=" not in word}
    assert {"static", "ready-dev", "fuzz-api"} <= asked
    assert asked <= targets
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["include"]
    paths = {path for each in matrix for path in each["paths"].split()}
    paths |= {path for each in steps() for path in re.findall(r"[\w.]*/[\w./]*\w(?= |$)", each)}
    ours = {path for path in paths if path.split("/")[0] in {".ci", ".venv", "bengi", "tests"}}
    assert {"tests/browser", ".ci/run"} <= ours
    assert [path for path in paths & ours if not (ROOT / path).exists()] == []


def test_the_workflow_has_the_servers_that_containers_have() -> None:
    """One version of each, so that what is tested is what runs."""
    services = WORKFLOW["jobs"]["test"]["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        name: SERVICES[name]["image"] for name in SERVERS
    }


# -- linters -------------------------------------------------------------------------------------


def test_linters_find_nothing() -> None:
    wrong = {
        each.name: words
        for each in linters.LINTERS
        for ok, words in [linters.lint(each)]
        if ok is False
    }
    assert not wrong, "\n".join(wrong.values())


def test_a_linter_that_is_missing_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(linters, "command", lambda _: None)
    monkeypatch.delenv("CI", raising=False)
    assert linters.main() == 0
    assert capsys.readouterr().err.count("NOT CHECKED") == 3
    monkeypatch.setenv("CI", "true")
    assert linters.main() == 1


@pytest.mark.parametrize("mode", [STANDARD, SCALE])
def test_the_variable_of_the_mode_starts_its_containers(mode: str) -> None:
    """As .env.example is copied to .env and its secrets are filled in."""
    (compose,) = (each for each in linters.LINTERS if each.name == "docker-compose")
    command = linters.command(compose)
    if command is None:
        assert not os.environ.get("CI"), "Docker Compose is missing"
        pytest.skip("Docker Compose is missing: NOT CHECKED")
    done = subprocess.run(
        [*command, "--env-file", ".env.example", "config", "--services"],
        cwd=ROOT,
        env={**os.environ, **linters.SECRETS, "BENGI_MODE": mode},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    servers = {name for name in SERVERS if mode in SERVICES[name]["profiles"]}
    assert set(done.stdout.split()) == set(table(mode)) | servers
