"""Negative control of the fault test: a daemon that is broken on purpose must be noticed.

The end-to-end test program can be the daemon, with acting before the commit switched on: a visitor is then told what is
not on disk yet, and a kill takes it away.
"""

import json
import os
import subprocess

import product
from machine import Failed

# As tests/e2e/kill.rs has it.
CHILD = "SCHAKEL_KILL_TEST_CHILD"
TEST = "child_process_of_the_kill_tests"

# A kill must fall between telling and keeping. What is told passes a chat server first, whose share of that moment is
# some milliseconds: on a disk as slow as this few kills of a run miss it.
COMMIT_TAKES_MS = 60


def program():
    """Path of the end-to-end test program, built where it is not there yet."""
    command = ["cargo", "test", "--test", "e2e", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=product.ROOT, stdout=subprocess.PIPE, text=True, check=False, env=os.environ)
    if built.returncode != 0:
        raise Failed("the end-to-end tests do not build")
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == "e2e" and message.get("executable"):
            return message["executable"]
    raise Failed("cargo does not say where the end-to-end test program is")


class Broken:
    """A daemon that acts before the commit: arguments and environment for a configuration."""

    def __init__(self, path):
        self.path = path

    def __call__(self, config):
        arguments = [self.path, "--exact", f"kill::{TEST}", "--nocapture", "--test-threads=1"]
        return arguments, {CHILD: f"{config}|act-before-commit|{COMMIT_TAKES_MS}"}
