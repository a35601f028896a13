"""What the XMPP checks need of the machine: a private folder, certificates, programs that die with the check.

Nothing is left behind: programs are killed by the kernel when the check dies, and the folder is removed by a process
that waits for just that.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "contract"))

import product  # noqa: E402 (found by the line above)
from product import Failed  # noqa: E402

# A memory file system: what an XMPP server's archive costs there is work, not waiting for a disk. (The archive is not
# what is judged.)
MEMORY = pathlib.Path("/dev/shm")

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Runs in a child before its program: the kernel kills it when the check dies, however that dies."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def folder(name):
    """A private folder, in memory where there is room. A waiting process removes it even when the check is killed."""
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"schakel-{name}-", dir=where))
    # It ends when standard input closes: on purpose, or because nobody holds the other end any more.
    remover = subprocess.Popen(
        ["/bin/sh", "-c", 'cat >/dev/null; for try in 1 2 3; do rm -rf "$1" && break; sleep 1; done', "remover", path],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield path
    finally:
        remover.stdin.close()
        remover.wait()


def spawn(arguments, log, environment=None):
    """Starts a program whose output goes to the file `log`, after what is there."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            [str(one) for one in arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment or product.ENVIRONMENT,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )


def stop(process, seconds, how=signal.SIGTERM):
    """Ends a program and everything that it started, with force when it takes longer than so many seconds."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    # Its helpers have its session's process group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run(*arguments):
    """Runs a program to its end; what it says is only shown when it fails."""
    done = subprocess.run([str(one) for one in arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Failed(f"{arguments[0]}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tail(log, lines=40):
    """The last lines of a log."""
    with contextlib.suppress(OSError):
        return "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-lines:])
    return "(none)"


def unused_ports(count):
    """Ports that nobody listens on and that the kernel does not give to outgoing connections meanwhile.

    A server that is restarted must find its port free, so they are taken below the range that connections draw from.
    """
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    # From a place that differs for each process, so that two runs at once hardly meet.
    start = 11000 + os.getpid() * 37 % 15000
    for port in [*range(start, first), *range(11000, start)]:
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        if len(found) == count:
            return found
    raise Failed(f"no {count} free ports below {first}")


def certificates(path, names):
    """A CA and a certificate by it for these names and for loopback: ca.pem, server.pem, server.key in the folder."""
    extensions = path / "server.ext"
    alternatives = ",".join(f"DNS:{name}" for name in [*names, "localhost"])
    extensions.write_text(
        f"subjectAltName={alternatives},IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *key, "-keyout", path / "ca.key", "-out", path / "ca.pem", "-days", 30,
        "-subj", "/CN=CA of the XMPP checks", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    run("openssl", "req", *key, "-keyout", path / "server.key", "-out", path / "server.csr", "-subj", f"/CN={names[0]}")
    run("openssl", "x509", "-req", "-in", path / "server.csr", "-CA", path / "ca.pem", "-CAkey", path / "ca.key",
        "-CAcreateserial", "-days", 30, "-extfile", extensions, "-out", path / "server.pem")  # fmt: skip
    chain = (path / "server.pem").read_text() + (path / "ca.pem").read_text()
    (path / "chain.pem").write_text(chain)
    (path / "all.pem").write_text(chain + (path / "server.key").read_text())
    for private in ("server.key", "all.pem"):
        (path / private).chmod(0o600)
