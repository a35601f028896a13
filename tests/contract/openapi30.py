"""An OpenAPI 3.0 copy of a 3.1 document, for tools that know 3.0 only (the published ruleset of 2.1.0 is one).

What 3.0 cannot say is said as nearly as it can: `type: [T, null]` becomes `nullable`, `const` an `enum` of one,
numeric exclusive bounds become flags, `examples` of a schema its first `example`, siblings of a `$ref` an `allOf`.
"""

# Keywords of JSON Schema 2020-12 that 3.0 has no word for and that only narrow what is allowed.
DROPPED = {"contentEncoding", "contentMediaType", "contentSchema", "$schema", "$id", "$comment", "propertyNames",
           "patternProperties", "unevaluatedProperties", "prefixItems", "if", "then", "else", "$defs"}


def convert(document):
    """The 3.0.3 copy. The document itself is left as it is."""
    copy = _walk({key: value for key, value in document.items() if key not in ("webhooks", "jsonSchemaDialect")})
    copy["openapi"] = "3.0.3"
    copy.get("info", {}).pop("summary", None)
    copy.get("info", {}).get("license", {}).pop("identifier", None)
    copy.setdefault("paths", {})
    return copy


def _walk(node, inside=None):
    if isinstance(node, list):
        return [_walk(item) for item in node]
    if not isinstance(node, dict):
        return node
    if inside in ("properties", "schemas"):
        return {name: _schema(schema) for name, schema in node.items()}
    if inside in ("example", "default", "enum"):
        return node
    return {key: _schema(value) if key == "schema" else _walk(value, key) for key, value in node.items()}


def _schema(schema):
    if not isinstance(schema, dict):
        # `true` allows everything, which 3.0 writes as an empty schema.
        return {} if schema is True else {"not": {}}
    out = {key: value for key, value in schema.items() if key not in DROPPED}
    _nullable(out)
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if out.get("examples"):
        out["example"] = out.pop("examples")[0]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(out.get(exclusive), (int, float)) and not isinstance(out.get(exclusive), bool):
            out[bound], out[exclusive] = out[exclusive], True
    for key in ("allOf", "oneOf", "anyOf"):
        if key in out:
            out[key] = [_schema(part) for part in out[key]]
    for key in ("items", "additionalProperties", "not"):
        if isinstance(out.get(key), dict) or key == "items" and key in out:
            out[key] = _schema(out[key])
    if "properties" in out:
        out["properties"] = {name: _schema(part) for name, part in out["properties"].items()}
    if "$ref" in out and len(out) > 1:
        return {"allOf": [{"$ref": out.pop("$ref")}], **out}
    return out


def _nullable(out):
    kinds = out.get("type")
    if isinstance(kinds, list):
        rest = [kind for kind in kinds if kind != "null"]
        out["nullable"] = len(rest) < len(kinds)
        out.pop("type")
        if len(rest) == 1:
            out["type"] = rest[0]
        elif rest:
            out["anyOf"] = [{"type": kind} for kind in rest]
    elif kinds == "null":
        out.pop("type")
        out.update(nullable=True, enum=[None])
    for key in ("oneOf", "anyOf"):
        parts = out.get(key)
        if parts and {"type": "null"} in parts:
            rest = [part for part in parts if part != {"type": "null"}]
            out["nullable"] = True
            out[key] = rest
            if len(rest) == 1:
                out.pop(key)
                out.setdefault("allOf", []).extend(rest)
