"""Real deliveries of a real call, verified by the published Standard Webhooks libraries of Python and JavaScript.

Arguments: the folder of node_modules (or nothing, for Python alone). Run with the Python that has `standardwebhooks`.
"""

import contextlib
import json
import pathlib
import subprocess
import sys

import product
from product import Failed

HERE = pathlib.Path(__file__).parent

# A ringing call is told within a second; a delivery that came before the secret is retried for some seconds.
DELIVERY_SECONDS = 30

CALLER = "0612345678"


@contextlib.contextmanager
def receiver(name, arguments):
    """A receiver in a process of its own; yields it and its lines."""
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        lines = product.Lines(process)
        yield name, process, lines, lines.next(f"{name} receiver", product.START_SECONDS)["port"]
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(product.STOP_SECONDS)


def subscribe(daemon, port):
    """Subscribes a receiver to everything and returns the secret, which is shown this once."""
    url = f"http://127.0.0.1:{port}/jkc"
    made = daemon.must("POST", "/webhooks", {"url": url})
    if not str(made.get("secret", "")).startswith("whsec_"):
        raise Failed(f"POST /v1/webhooks gave no whsec_ secret: {sorted(made)}")
    return made["secret"]


def ringing(name, lines):
    """Reads verdicts until the ringing call of this check has come; every one of them must verify."""
    seen = []
    while True:
        verdict = lines.next(f"{name}: delivery of the ringing call (so far {seen})", DELIVERY_SECONDS)
        if verdict["reason"]:
            raise Failed(f"{name}: the library refuses {verdict['id']}: {verdict['reason']}")
        if not verdict["tamperedReason"]:
            raise Failed(f"{name}: the library accepts a body that was changed: this check sees nothing")
        event = verdict["body"]
        if event.get("specversion") != "1.0" or event.get("id") != verdict["id"]:
            raise Failed(f"{name}: not a CloudEvent whose id is webhook-id: {json.dumps(event)[:300]}")
        if CALLER in json.dumps([event.get(key) for key in ("subject", "source", "type", "partitionkey")]):
            raise Failed(f"{name}: a telephone number in the attributes of {event['type']}")
        seen.append(event["type"])
        if event["type"].endswith(".call.ringing.v1"):
            return seen


def check():
    """Subscribes every receiver, lets the outside world call, and reads the verdicts."""
    arguments = {"Python": [sys.executable, str(HERE / "webhook_receiver.py")]}
    if len(sys.argv) > 1:
        arguments["JavaScript"] = ["node", str(HERE / "webhook_receiver.mjs"), sys.argv[1]]
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(receiver(*one)) for one in arguments.items()]
        pbx = stack.enter_context(product.simulator())
        daemon = stack.enter_context(product.daemon(pbx))
        for _, process, _, port in receivers:
            process.stdin.write(f"{subscribe(daemon, port)}\n".encode())
            process.stdin.flush()
        status, answer = pbx.ring(CALLER, product.DEVICES[0])
        if not 200 <= status < 300:
            raise Failed(f"the simulator did not ring: {status} {answer}")
        told = {name: len(ringing(name, lines)) for name, _, lines, _ in receivers}
    counts = ", ".join(f"{count} with the library for {name}" for name, count in told.items())
    return f"deliveries verified: {counts}; changed bodies refused"


product.main(check)
