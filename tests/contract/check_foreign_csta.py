"""An independent CSTA client against the simulator: pyssimist (for OpenScape Voice), from the package index.

Shows that the simulator is a PBX for others too: it speaks first (SystemStatus), takes a SystemRegister with invoke id
0000, and lets two telephones of a stranger's program ring, speak, hold and hang up. pyssimist builds every frame,
reads every frame and matches events to its monitors; nothing of schakel's codec is on its side.
"""

import contextlib
import io
import os

import product
from product import Failed

# pyssimist writes CallTrace.txt into the folder that it is imported in.
TRACE_FOLDER = product.ROOT / "target" / "test-tools"
TRACE_FOLDER.mkdir(parents=True, exist_ok=True)
os.chdir(TRACE_FOLDER)

from csta.CstaApplication import CstaApplication  # noqa: E402 (after the change of folder)

EDITION = "http://www.ecma-international.org/standards/ecma-323/csta/ed4"

# What pyssimist expects of a PBX: OpenScape Voice speaks first and in edition 4.
OPENSCAPE_VOICE = """
status_on_connect = true
services_permitted = true
edition = "ed4"
insist_on_edition = true
"""

# pyssimist brings MakeCall, MonitorStart and SnapshotDevice; these services it sends from a text of ours. It fills in
# callID and deviceID itself, from the events that it saw.
SERVICE = """<?xml version="1.0" encoding="UTF-8"?>
<{service} xmlns="{edition}"><{connection}><callID>0</callID><deviceID>0</deviceID></{connection}></{service}>"""

SERVICES = {
    "AnswerCall": "callToBeAnswered",
    "HoldCall": "callToBeHeld",
    "RetrieveCall": "callToBeRetrieved",
    "ClearConnection": "connectionToBeCleared",
}


def ask(user, service):
    """Sends a service about the user's call and waits for its response."""
    user.send(SERVICE.format(service=service, connection=SERVICES[service], edition=EDITION))
    return user.wait_for_message(f"{service}Response")


def expect(user, event, state):
    """Waits for an event at a user's monitor and looks at the state of his connection."""
    message = user.wait_for_message(event)
    told = message["localConnectionInfo"]
    if told != state:
        raise Failed(f"{event} at {user.number}: localConnectionInfo is {told}, expected {state}")
    return message


def call(application):
    """One internal call from ring to end, seen by both telephones."""
    caller, callee = (application.new_user(number) for number in product.DEVICES[:2])
    for user in (caller, callee):
        user.monitor_start()
        if not user.monitorCrossRefID:
            raise Failed(f"MonitorStart of {user.number} was not answered")
    caller.send("MakeCall", to_user=callee)
    made = caller.wait_for_message("MakeCallResponse")
    caller.wait_for_message("OriginatedEvent")
    rings = expect(callee, "DeliveredEvent", "alerting")
    if rings["callID"] != made["callID"]:
        raise Failed(f"call {made['callID']} was made and call {rings['callID']} rings")
    ask(callee, "AnswerCall")
    expect(callee, "EstablishedEvent", "connected")
    expect(caller, "EstablishedEvent", "connected")
    ask(caller, "HoldCall")
    expect(caller, "HeldEvent", "hold")
    ask(caller, "RetrieveCall")
    expect(caller, "RetrievedEvent", "connected")
    caller.send("SnapshotDevice")
    caller.wait_for_message("SnapshotDeviceResponse")
    ask(callee, "ClearConnection")
    expect(callee, "ConnectionClearedEvent", "null")
    caller.wait_for_message("ConnectionClearedEvent")
    return made["callID"]


def check():
    """Connects the stranger's client and lets it make one call."""
    with product.simulator(OPENSCAPE_VOICE) as pbx:
        application = CstaApplication()
        told = io.StringIO()
        try:
            # What pyssimist says on its way is shown only when the check fails.
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                application.connect(("127.0.0.1", 0), ("127.0.0.1", pbx.csta_port))
                call(application)
        except (Failed, AssertionError, OSError) as failure:
            print(told.getvalue()[-3000:])
            print("last frames:", (TRACE_FOLDER / "CallTrace.txt").read_text()[-6000:], sep="\n")
            raise Failed(f"pyssimist: {failure or type(failure).__name__}") from failure
        finally:
            if application.link is not None:
                with contextlib.suppress(OSError):
                    application.link.shutdown()
    return "pyssimist made, answered, held, retrieved and ended a call on the simulator"


product.main(check)
