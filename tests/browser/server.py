"""A real server of the dashboard, for as long as a test needs it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError

import pytest

from app import services
from skinmodel.errors import WeightsError

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class Address(str):
    """Where a server answers, and the number of its process."""

    pid: int


def find_networks_processes(pid: int) -> list[int]:
    """Return the numbers of a server's processes that run networks (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while this looked
        if parent == pid and b"skinmodel.inference.worker" in command:
            found.append(int(status.parent.name))
    return found


def wait_for_end(pids: list[int]) -> None:
    """Return when none of these processes is left."""
    end = time.monotonic() + START_SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, f"the networks' process {pids} outlived its server"
        time.sleep(0.1)


def give_up(reason: str) -> NoReturn:
    """Skip on a developer's machine; fail where the browser tests are the point of the run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_networks() -> None:
    try:
        services.list_models()
    except WeightsError as error:
        give_up(f"The dashboard has no networks: {error}")


@contextmanager
def serve(script: str, folder: Path, **variables: str) -> Iterator[Address]:
    """Yield the address of a server of its own.

    When it ends, its log must hold no traceback, and no process of its own may be left.

    Args:
        script: what Streamlit runs, relative to the repository.
        folder: for its log and its cache.
        variables: of its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    # The developer's own runs and cache are not part of what is tested.
    environment = {**os.environ, "SKINMODEL_HOME": str(folder / "home"), **variables}
    command = [sys.executable, "-m", "streamlit", "run", script]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
            address = Address(f"http://127.0.0.1:{port}")
            address.pid = server.pid
            yield address
        finally:
            left = find_networks_processes(server.pid)
            server.terminate()
            server.wait(30)
    wait_for_end(left)
    assert "Traceback" not in log.read_text(encoding="utf-8", errors="replace")


def wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"The server did not start:\n{log.read_text(errors='replace')[-2000:]}")
