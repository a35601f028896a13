"""schemathesis against a running daemon: what the OpenAPI document says is what the daemon does.

Arguments: the path of `schemathesis`. Environment: TESTS_SEED (a number; without it a new one is drawn and printed),
TESTS_EXAMPLES (examples an operation).

Fails on a 5xx, on a status code, content type, header or body that the document does not describe, on a method that is
answered though it is not documented, and on data given without a token.
"""

import os
import random
import subprocess
import sys
import tempfile

import product
from product import Failed

# Examples an operation. With about 50 operations this takes some two minutes; the figure is for a check at every
# commit, and TESTS_EXAMPLES is for a long run by hand.
EXAMPLES = "25"

# The whole run is stopped after this: it would mean that the daemon hangs.
SECONDS_MAX = 900

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
]

# Reconnect cuts the link that the rest of the run needs, and the token that could be taken away here is ours.
EXCLUDED = r"(/reconnect|/tokens/\{[^}]+\})$"


def check():
    """Starts the PBX and the daemon, and lets schemathesis ask everything."""
    seed = os.environ.get("TESTS_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"schemathesis seed {seed} (repeat with TESTS_SEED={seed})", flush=True)
    with tempfile.TemporaryDirectory(prefix="schakel-schemathesis-") as folder:
        with product.simulator() as pbx, product.daemon(pbx) as daemon:
            pbx.ring("0612345678", product.DEVICES[0])
            arguments = [sys.argv[1], "run", f"{daemon.origin}/v1/openapi.json", "--url", f"{daemon.origin}/v1"]
            arguments += ["--header", f"Authorization: Bearer {daemon.token}", "--seed", seed]
            arguments += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"]
            arguments += ["--max-examples", os.environ.get("TESTS_EXAMPLES", EXAMPLES), "--workers", "1"]
            arguments += ["--request-timeout", "10", "--continue-on-failure", "--rate-limit", "500/s"]
            arguments += ["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"]
            arguments += ["--exclude-path-regex", EXCLUDED]
            try:
                done = subprocess.run(arguments, cwd=folder, timeout=SECONDS_MAX, check=False)
            except subprocess.TimeoutExpired as late:
                raise Failed(f"schemathesis was not ready within {SECONDS_MAX} s: which request hangs?") from late
            if done.returncode != 0:
                raise Failed(f"schemathesis: exit {done.returncode}, see above; seed {seed}")
            status, _ = daemon.ask("GET", "/providers")
            if status != 200:
                raise Failed(f"after schemathesis the daemon answers {status} to GET /v1/providers")
    return f"schemathesis clean with seed {seed}"


product.main(check)
