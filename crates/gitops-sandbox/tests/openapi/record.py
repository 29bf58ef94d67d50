#!/usr/bin/env python3
"""Writes what a real API server says in OpenAPI of two custom kinds: custom.json.gz.

usage: record.py <server URL> <token> <out>"""
import gzip, json, ssl, sys, time, urllib.request

server, token, out = sys.argv[1:]
GROUP = "fruit.example.com"


def ask(method, path, body=None):
    request = urllib.request.Request(
        server + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as reply:
        return json.load(reply)


def definition(plural, kind, scope, **version):
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": scope, "names": {"plural": plural, "kind": kind},
                 "versions": [{"name": "v1", "served": True, "storage": True, **version}]},
    }


text, either = {"type": "string"}, [{"type": "integer"}, {"type": "string"}]
spec = {"type": "object", "required": ["maybe", "text"], "properties": {
    "text": {"type": "string", "default": "a", "enum": ["a", "b"], "pattern": "^[ab]$", "maxLength": 3},
    "maybe": {"type": "object", "nullable": True, "properties": {"a": text}},
    "either": {"x-kubernetes-int-or-string": True},
    "said": {"x-kubernetes-int-or-string": True, "anyOf": either},
    "both": {"x-kubernetes-int-or-string": True, "anyOf": [{"minimum": 3}, {"pattern": "%$"}]},
    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": text}},
    "openList": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}},
    "inner": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
    "innerOpen": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    "map": {"type": "object", "additionalProperties": {"type": "integer", "nullable": True, "format": "int32"}},
    "any": {"type": "object", "additionalProperties": True},
    "count": {"type": "integer", "minimum": 0, "maximum": 9, "exclusiveMaximum": True, "multipleOf": 3, "default": 3},
    "list": {"type": "array", "maxItems": 5, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
             "items": {"type": "object", "required": ["k"], "properties": {"k": text, "v": {"type": "number"}}}},
    "choice": {"type": "object", "properties": {"a": text, "b": text}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
               "x-kubernetes-validations": [{"rule": "has(self.a) || has(self.b)", "message": "one"}]},
}}
schema = {"type": "object", "description": "A fruit.", "properties": {
    "spec": spec, "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}}
scale = {"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.replicas"}
definitions = [
    definition("apples", "Apple", "Namespaced", schema={"openAPIV3Schema": schema},
               subresources={"status": {}, "scale": scale}, selectableFields=[{"jsonPath": ".spec.text"}]),
    definition("classes", "Class", "Cluster", schema={
        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}),
]
for one in definitions:
    ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", one)
prefix, path = "com.example.fruit.v1.", f"/openapi/v3/apis/{GROUP}/v1"
while True:
    time.sleep(1)
    try:
        third, second = ask("GET", path), ask("GET", "/openapi/v2")
    except urllib.error.HTTPError:
        continue
    if all(prefix + kind in found for kind in ("Apple", "Class")
           for found in (third["components"]["schemas"], second["definitions"])):
        break
second["paths"] = {name: item for name, item in second["paths"].items() if GROUP in name or "/configmaps" in name}
second["definitions"] = {name: item for name, item in second["definitions"].items()
                         if name.startswith(prefix) or name.endswith((".IntOrString", ".v1.ConfigMap", ".v1.Probe"))}
found = {"definitions": definitions, "v2": second, "v3": third}
with gzip.GzipFile(out, "wb", compresslevel=9, mtime=0) as file:
    file.write(json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
