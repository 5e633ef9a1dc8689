"""What deploy/ ships is well formed: units by systemd's own tools, the compose file by its rules."""
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
DAEMONS = ["mta", "imapd", "jmapd", "spamd", "admind"]
EXPOSURE_LIMIT = 2.0


@pytest.fixture(scope="module")
def system_root(tmp_path_factory):
    """A folder that looks like a machine with our units installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is missing: deploy/packages lists systemd")
    root = tmp_path_factory.mktemp("root")
    units = root / "usr/lib/systemd/system"
    shutil.copytree(DEPLOY / "systemd", units)
    for pattern in ("*.target", "*.slice"):
        for unit in pathlib.Path("/usr/lib/systemd/system").glob(pattern):
            if unit.is_file():
                shutil.copy(unit, units)
    for program in ["usr/sbin/dromos-" + name for name in DAEMONS] + ["bin/kill"]:
        path = root / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return root


def test_units_verify(system_root):
    units = ["dromos-%s.service" % name for name in DAEMONS]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--root=%s" % system_root] + units,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ours = [line for line in done.stdout.splitlines() if "dromos" in line]
    assert done.returncode == 0 and not ours, done.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_exposure(system_root, name):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--root=%s" % system_root, "dromos-%s.service" % name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level and float(level[1]) <= EXPOSURE_LIMIT, done.stdout[-500:]


def test_sockets_name_listeners_of_the_configuration():
    known = {"mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "http", "https"}
    names = {re.search(r"FileDescriptorName=(\S+)", unit.read_text())[1] for unit in (DEPLOY / "systemd").glob("*.socket")}
    assert names == known


def test_compose_confines_every_daemon():
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    for name in DAEMONS:
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["stop_grace_period"]
        assert service["healthcheck"]["test"] == ["CMD", "dromos-" + name, "--probe"]
        assert "no-new-privileges:true" in service["security_opt"]
    text = (DEPLOY / "compose/compose.yaml").read_text()
    assert "docker.sock" not in text and "privileged: true" not in text
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("./secrets/")


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("file", ["compose/dromos.yaml", "dromos.yaml.example"])
def test_shipped_configurations_are_accepted(name, file, tmp_path):
    binary = ROOT / "build/dev/bin" / ("dromos-" + name)
    # The files that the shipped configuration names exist on a real machine only.
    text = (DEPLOY / file).read_text()
    for path in set(re.findall(r"/(?:run/secrets|etc/dromos)/[\w./-]+", text)):
        stand_in = tmp_path / path.strip("/").replace("/", "-")
        stand_in.write_text("x\n")
        text = text.replace(path, str(stand_in))
    config = tmp_path / "dromos.yaml"
    config.write_text(text)
    done = subprocess.run([binary, "--config", config, "--check-config"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_runtime_packages_are_real_names():
    names = (DEPLOY / "compose/runtime-packages").read_text().split()
    done = subprocess.run(["apt-cache", "show", "--no-all-versions"] + names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shown = set(re.findall(r"^Package: (\S+)$", done.stdout, re.MULTILINE))
    if not shown:
        pytest.skip("this machine has no package lists (apt-get update)")
    assert set(names) <= shown, set(names) - shown


def with_dependencies(names):
    """What comes with these packages, by the database of those that are installed here."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Pre-Depends}, ${Depends}\n"], check=True, stdout=subprocess.PIPE, text=True)
    depends = {name: set(re.findall(r"(?:^|[,|]) *([a-z0-9][a-z0-9+.-]+)", rest)) for name, rest in (line.split("\t") for line in done.stdout.splitlines())}
    found, ahead = set(), set(names)
    while ahead:
        found |= ahead
        ahead = set().union(*(depends.get(name, set()) for name in ahead)) - found
    return found


def test_runtime_packages_bring_every_library():
    brought = with_dependencies((DEPLOY / "compose/runtime-packages").read_text().split())
    programs = [ROOT / "build/dev/bin" / name for name in ["dromos-" + daemon for daemon in DAEMONS] + ["dromosctl", "dromos-extract"]]
    headers = subprocess.run(["objdump", "-p", *programs], check=True, stdout=subprocess.PIPE, text=True).stdout
    libraries = sorted(set(re.findall(r"NEEDED\s+(\S+)", headers)))
    owners = subprocess.run(["dpkg", "-S"] + ["*/" + library for library in libraries], check=True, stdout=subprocess.PIPE, text=True).stdout
    missing = [library for library in libraries
               if not any(line.endswith("/" + library) and line.split(":")[0] in brought for line in owners.splitlines())]
    assert missing == []
