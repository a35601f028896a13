"""schakel as the contract checks see it: a binary that is started, asked and stopped.

Everything that these checks assume about the command line, the configuration and the simulator's control is in this
file. Only the Python standard library is used.

Environment:
  SCHAKEL_BIN   the binary to test; without it the newer of target/release/schakel and target/debug/schakel
"""

import contextlib
import http.client
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# How long a program may take before a check calls it dead. A debug binary on a busy machine starts within 2 s.
START_SECONDS = 30
STOP_SECONDS = 15

# The telephones of the simulated PBX that the checks use.
DEVICES = ["2001", "2002", "2003"]

# What the person who runs the tests has set for a daemon of his own is not for ours.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SCHAKEL_")}

# The scope that has all others in it: the checks look at the whole contract.
SCOPE = "admin"


class Failed(Exception):
    """A check that is not met, in words for the person who reads the output."""


def binary():
    """Path of the binary to test."""
    named = os.environ.get("SCHAKEL_BIN")
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    candidates = [pathlib.Path(named)] if named else [folder / kind / "schakel" for kind in ("release", "debug")]
    present = [candidate for candidate in candidates if os.access(candidate, os.X_OK)]
    if not present:
        raise Failed(f"no schakel binary at {candidates[-1]}: run `cargo build` or set SCHAKEL_BIN")
    return str(max(present, key=lambda candidate: candidate.stat().st_mtime))


def free_ports(count):
    """Ports that nobody listens on now. They are held together, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def run(*arguments):
    """Runs a subcommand to its end and returns what it wrote to standard output."""
    command = [binary(), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=START_SECONDS, check=False, env=ENVIRONMENT
    )
    if done.returncode != 0:
        raise Failed(f"schakel {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def openapi():
    """The OpenAPI document as the binary prints it."""
    return json.loads(run("openapi"))


def wait_until(what, seconds, probe, process=None):
    """Asks `probe` until it says yes. Fails when the time is over or the process has died."""
    pause = threading.Event()
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise Failed(f"{what}: the program ended with {process.returncode}")
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        pause.wait(0.05)


def is_open(port):
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def program(name, arguments, folder):
    """A program in the background, with its output in a file that is shown when the check fails."""
    log_path = pathlib.Path(folder) / f"{name}.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            arguments, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=ENVIRONMENT
        )
    try:
        yield process
    except BaseException:
        tail = log_path.read_text(errors="replace").splitlines()[-40:]
        print(f"---- last lines of {name} ----", *tail, "----", sep="\n")
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Simulator:
    """The simulated PBX: a CSTA port and a control port."""

    def __init__(self, csta_port, control_port):
        self.csta_port = csta_port
        self.control_port = control_port

    def ring(self, caller, device):
        """Lets the outside world call a device."""
        status, answer = request(self.control_port, "POST", "/calls", {"from": caller, "to": device})
        if status != 200:
            raise Failed(f"the simulator did not let {caller} call {device}: {status} {answer}")


@contextlib.contextmanager
def simulator(csta=""):
    """Starts `schakel simulate` on free ports, with three telephones. `csta` is more of the scenario's [csta]."""
    csta_port, control_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="schakel-simulator-") as folder:
        scenario = pathlib.Path(folder) / "scenario.toml"
        telephones = "".join(f'\n[[extensions]]\nnumber = "{device}"\n' for device in DEVICES)
        scenario.write_text(f"[csta]\n{csta}\n{telephones}")
        ports = ["--listen", f"127.0.0.1:{csta_port}", "--control", f"127.0.0.1:{control_port}"]
        with program("simulate", [binary(), "simulate", "--scenario", str(scenario), *ports], folder) as process:
            wait_until("schakel simulate", START_SECONDS, lambda: is_open(csta_port), process)
            wait_until("control of the simulator", START_SECONDS, lambda: is_open(control_port), process)
            yield Simulator(csta_port, control_port)


class Daemon:
    """A running daemon: its ports and a token that may do everything."""

    def __init__(self, api_port, admin_port, token):
        self.api_port = api_port
        self.admin_port = admin_port
        self.token = token

    @property
    def origin(self):
        """Scheme, host and port of the API."""
        return f"http://127.0.0.1:{self.api_port}"

    def ask(self, method, path, body=None, headers=None):
        """One request to the API with the token; returns the status and the decoded body."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return request(self.api_port, method, f"/v1{path}", body, headers)

    def must(self, method, path, body=None):
        """As `ask`, and anything but a 2xx fails."""
        status, answer = self.ask(method, path, body)
        if not 200 <= status < 300:
            raise Failed(f"{method} /v1{path}: {status} {answer}")
        return answer


@contextlib.contextmanager
def daemon(pbx, dialect="standard", edition=4):
    """Starts `schakel serve` on an empty journal, linked to the simulator, and waits until the link is up."""
    api_port, admin_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="schakel-daemon-") as folder:
        config = pathlib.Path(folder) / "schakel.toml"
        config.write_text(
            f"""
[journal]
path = "{folder}/schakel.db"

[api]
listen = "127.0.0.1:{api_port}"

[admin]
listen = "127.0.0.1:{admin_port}"

[webhooks]
allowed_hosts = ["127.0.0.1", "localhost"]
allow_insecure = true

[[providers]]
name = "pbx"
adapter = "csta"
address = "127.0.0.1:{pbx.csta_port}"

[providers.csta]
dialect = "{dialect}"
edition = {edition}

[[providers.devices]]
numbers = {json.dumps(DEVICES)}
"""
        )
        token = run("token", "create", "--config", str(config), "--name", "contract", "--scope", SCOPE).split()[-1]
        with program("serve", [binary(), "serve", "--config", str(config)], folder) as process:
            running = Daemon(api_port, admin_port, token)
            wait_until("schakel serve", START_SECONDS, lambda: is_open(api_port), process)
            wait_until("link to the PBX", START_SECONDS, lambda: link_is_up(running), process)
            yield running


def link_is_up(running):
    """Whether the daemon reports the link of its one provider as up."""
    status, answer = running.ask("GET", "/providers")
    return status == 200 and [provider["link"] for provider in answer["items"]] == ["up"]


def request(port, method, path, body=None, headers=None):
    """One HTTP request to this machine; returns the status and the body, decoded where it is JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        data = None if body is None else json.dumps(body)
        extra = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, data, {**extra, **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(text) if is_json and text else text
    finally:
        connection.close()


class Lines:
    """Lines of a child's standard output, waited for with a time limit."""

    def __init__(self, process):
        self.process = process
        self.rest = b""

    def next(self, what, seconds):
        """The next line, decoded as JSON."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed(f"{what}: nothing within {seconds} s")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise Failed(f"{what}: the program ended")
            self.rest += chunk
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)


def main(check):
    """Runs a check as a program: a line with what was shown and exit 0, or what failed and exit 1."""
    try:
        print(f"ok: {check()}")
    except Failed as failure:
        print(f"FAILED: {failure}")
        raise SystemExit(1) from None
