// A receiver of webhooks that trusts nobody but the published Standard Webhooks library for JavaScript.
//
// Prints {"port": N}. Each line on standard input is a secret, which takes the place of the last and is answered with
// {"secrets": N}; each delivery is a line with what the library said. Started by check_webhooks.py, with the folder of
// node_modules as its argument. Plain HTTP on loopback: what is checked is the signature.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const { Webhook } = createRequire(`${process.argv[2]}/`)("standardwebhooks");

// The secret to verify with; empty until the first is known.
let secret = "";
let secrets = 0;

/** One line of JSON on standard output. */
function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What the library says: an empty text when it accepts, its reason when it refuses. */
function verifies(body, headers) {
  try {
    new Webhook(secret).verify(body, headers);
    return "";
  } catch (refusal) {
    return String(refusal.message || "refused");
  }
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  if (secret === "") {
    // Before the secret is here nothing can be verified: the sender tries again.
    response.writeHead(503).end();
    return;
  }
  const reason = verifies(body, request.headers);
  // The same delivery with one byte more must be refused, or this receiver verifies nothing.
  const tamperedReason = verifies(`${body} `, request.headers);
  tell({ reason, tamperedReason, id: request.headers["webhook-id"], body: JSON.parse(body) });
  response.writeHead(reason ? 400 : 204).end();
});

server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  secret = line.trim();
  secrets += 1;
  tell({ secrets });
});
input.once("close", () => process.exit(0));
