"""The OpenAPI document against the Dutch REST API Design Rules, by Spectral, with 0 errors.

Arguments: the path of `spectral`, and the document (without it src/api/openapi.json). Three things are shown:
  1. the document has no error under design-rules.yml, which is written from the text of the standard;
  2. every rule of design-rules.yml goes red on a document that breaks it;
  3. where the ruleset that Logius publishes is at hand, the document and its 3.0 copy have no error under it.

The published ruleset (CC BY 4.0) is not part of this repository. It is taken from TESTS_DESIGN_RULES (files,
separated by `:`), or from ../shared/design-rules/*.yml; without either, point 3 is skipped and said to be.
"""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import openapi30
import product
from product import Failed

HERE = pathlib.Path(__file__).parent
OWN = HERE / "design-rules.yml"
ERROR = 0  # Spectral's severities: 0 error, 1 warning, 2 information, 3 hint.

# A small document that keeps every rule; each sample below breaks it in one place.
PROBLEM = {"description": "x", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
VERSION = {"API-Version": {"schema": {"type": "string"}}}
GOOD = {
    "openapi": "3.1.0",
    "info": {"title": "x", "version": "1.0.0", "contact": {"name": "x", "url": "https://x.nl", "email": "x@x.nl"}},
    "servers": [{"url": "/v1"}],
    "paths": {
        "/openapi.json": {
            "get": {
                "operationId": "document",
                "responses": {
                    "200": {
                        "description": "x",
                        "headers": {**VERSION, "access-control-allow-origin": {"schema": {"type": "string"}}},
                    }
                },
            }
        },
        "/dead-letters/{id}": {
            "put": {
                "operationId": "put",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "pageSize", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": {"200": {"description": "x", "headers": VERSION}, "400": PROBLEM},
            }
        },
    },
    "components": {
        "schemas": {
            "Problem": {
                "type": "object",
                "properties": {
                    "createdAt": {"type": "string", "format": "date-time"},
                    "status": {"type": "integer"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }
        }
    },
}


def broken():
    """Pairs of a rule and the good document with that rule broken."""

    def with_change(change):
        document = copy.deepcopy(GOOD)
        change(document)
        return document

    def rename(parent, old, new):
        parent[new] = parent.pop(old)

    letters = "/dead-letters/{id}"
    parameters = lambda d: d["paths"][letters]["put"]["parameters"]
    problem = lambda d: d["components"]["schemas"]["Problem"]["properties"]
    samples = {
        "core-doc-openapi": lambda d: d.update(openapi="3.9"),
        "core-doc-openapi-contact": lambda d: d["info"]["contact"].pop("email"),
        "core-semver": lambda d: d["info"].update(version="1.0"),
        "core-uri-version": lambda d: d["servers"][0].update(url="/api"),
        "core-transport-tls": lambda d: d["servers"][0].update(url="http://x/v1"),
        "core-version-header": lambda d: d["paths"][letters]["put"]["responses"]["200"].pop("headers"),
        "core-no-trailing-slash": lambda d: rename(d["paths"], letters, letters + "/"),
        "core-path-segments-kebab-case": lambda d: rename(d["paths"], letters, "/deadLetters/{id}"),
        "core-query-keys-camel-case": lambda d: parameters(d)[1].update(name="page_size"),
        "core-property-names-camel-case": lambda d: rename(problem(d), "createdAt", "created_at"),
        "core-schema-names-pascal-case": lambda d: d["components"]["schemas"].update(problem={"type": "object"}),
        "core-http-methods": lambda d: d["paths"][letters].update(head={"responses": {}}),
        "core-error-handling-problem-details": lambda d: d["paths"][letters]["put"]["responses"].update(
            {"400": {"description": "x", "content": {"application/json": {}}}}
        ),
        "core-error-handling-problem-members": lambda d: problem(d).pop("detail"),
        "core-error-handling-invalid-input": lambda d: d["paths"][letters]["put"]["responses"].pop("400"),
        "core-date-time-timezone": lambda d: problem(d)["createdAt"].update(format="date-time-local"),
        "core-publish-openapi": lambda d: d["paths"].pop("/openapi.json"),
        "core-publish-openapi-cors": lambda d: d["paths"]["/openapi.json"]["get"]["responses"]["200"].update(headers=VERSION),
        "core-transport-no-sensitive-uris": lambda d: parameters(d)[1].update(name="telephoneNumber"),
        "oas3-schema": lambda d: d["info"].pop("title"),
        "path-params": lambda d: parameters(d).pop(0),
    }
    return {rule: with_change(change) for rule, change in samples.items()}


class Linter:
    """Spectral, on documents that are written to a folder of their own."""

    def __init__(self, spectral, folder):
        self.spectral = spectral
        self.folder = pathlib.Path(folder)

    def findings(self, ruleset, documents):
        """What Spectral finds in each of the documents (by name): a list of its results."""
        for name, document in documents.items():
            (self.folder / f"{name}.json").write_text(json.dumps(document))
        report = self.folder / "report.out"
        paths = [str(self.folder / f"{name}.json") for name in documents]
        arguments = ["lint", "--ruleset", str(ruleset), "--format", "json", "--output", str(report), "--quiet", *paths]
        # Spectral exits 1 when it finds an error and 2 when it could not look.
        done = subprocess.run([self.spectral, *arguments], capture_output=True, text=True, timeout=300, check=False)
        if done.returncode not in (0, 1):
            raise Failed(f"spectral could not lint with {ruleset}: {done.stdout}{done.stderr}")
        found = {name: [] for name in documents}
        for result in json.loads(report.read_text()):
            found[pathlib.Path(result["source"]).stem].append(result)
        return found


def errors(results):
    """The errors among results, one line each."""
    return [f"  {one['code']} at {'.'.join(map(str, one['path']))}: {one['message']}" for one in results if one["severity"] == ERROR]


def published():
    """The rulesets of Logius that are at hand."""
    named = [path for path in os.environ.get("TESTS_DESIGN_RULES", "").split(":") if path]
    beside = product.ROOT.parent / "shared" / "design-rules"
    return named or sorted(str(path) for path in beside.glob("*.y*ml"))


def check():
    """Lints the document, and the samples that must go red."""
    spectral = sys.argv[1]
    path = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else product.ROOT / "src/api/openapi.json"
    if not path.is_file():
        raise Failed(f"no OpenAPI document at {path}")
    document = json.loads(path.read_text())
    samples = broken()
    with tempfile.TemporaryDirectory(prefix="schakel-design-rules-") as folder:
        linter = Linter(spectral, folder)
        found = linter.findings(OWN, {"document": document, "good": GOOD, **samples})
        if errors(found["good"]):
            raise Failed("the sample that keeps every rule is red:\n" + "\n".join(errors(found["good"])))
        blind = [rule for rule in samples if not any(one["code"] == rule for one in found[rule])]
        if blind:
            raise Failed(f"rules that cannot go red: {', '.join(blind)}")
        if errors(found["document"]):
            raise Failed(f"{path} breaks the design rules:\n" + "\n".join(errors(found["document"])))
        told = f"0 errors under design-rules.yml, {len(samples)} rules shown to go red"
        rulesets = published()
        for ruleset in rulesets:
            both = linter.findings(ruleset, {"document": document, "copy30": openapi30.convert(document)})
            # The ruleset of 2.1.0 accepts 3.0 alone, later ones accept both: the better of the two counts.
            best = min(errors(both["document"]), errors(both["copy30"]), key=len)
            if best:
                raise Failed(f"{path} breaks {ruleset}:\n" + "\n".join(best))
            told += f"; 0 errors under {pathlib.Path(ruleset).name}"
        if not rulesets:
            told += "; the published ruleset is not at hand (TESTS_DESIGN_RULES), skipped"
    return told


product.main(check)
