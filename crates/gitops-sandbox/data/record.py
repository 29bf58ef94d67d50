#!/usr/bin/env python3
"""Writes what a real API server says of its own kinds: resources.json (discovery), openapi.json.gz (the schemas),
columns.json.gz (what kubectl prints) and objects.json.gz (what every cluster has from its start).

usage: record.py <server URL> <token> <folder>"""
import gzip, json, pathlib, ssl, sys, urllib.request

server, token, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


def get(path, accept="application/json"):
    request = urllib.request.Request(server + path, headers={"Authorization": f"Bearer {token}", "Accept": accept})
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as reply:
        return json.load(reply)


def dump(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


groups = get("/apis")["groups"]
versions = ["v1"] + [v["groupVersion"] for g in groups for v in g["versions"]]
aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
found = {
    "version": get("/version"),
    "groups": groups,
    "resources": {v: get(("/api/" if v == "v1" else "/apis/") + v)["resources"] for v in versions},
    "aggregated": {"api": get("/api", aggregated)["items"], "apis": get("/apis", aggregated)["items"]},
    "paths": get("/")["paths"],
}
(folder / "resources.json").write_text(dump(found) + "\n", encoding="utf-8")

schemas, documents = {}, {}
for path, where in sorted(get("/openapi/v3")["paths"].items()):
    document = get(where["serverRelativeURL"])
    schemas.update(document.get("components", {}).get("schemas", {}))
    documents[path] = {
        "schemas": sorted(document.get("components", {}).get("schemas", {})),
        "paths": document.get("paths", {}),
        "security": document.get("components", {}).get("securitySchemes"),
        "info": document["info"],
    }
with gzip.GzipFile(folder / "openapi.json.gz", "wb", compresslevel=9, mtime=0) as out:
    out.write(dump({"schemas": schemas, "documents": documents}).encode())

columns, objects = {}, []
table = "application/json;as=Table;v=v1;g=meta.k8s.io"
for version, resources in found["resources"].items():
    for resource in resources:
        if "/" in resource["name"] or ".example.com" in version or "list" not in resource["verbs"]:
            continue
        path = ("/api/" if version == "v1" else "/apis/") + version + "/" + resource["name"]
        shown = get(path + "?limit=1", table)
        group = "" if version == "v1" else version.split("/")[0]
        columns[resource["name"] + ("." + group if group else "")] = shown["columnDefinitions"]
rbac = "/apis/rbac.authorization.k8s.io/v1/"
for path in [rbac + "clusterroles", rbac + "clusterrolebindings", rbac + "roles", rbac + "rolebindings",
             "/apis/scheduling.k8s.io/v1/priorityclasses"]:
    for item in get(path)["items"]:
        meta = item["metadata"]
        if meta.get("labels", {}).get("kubernetes.io/bootstrapping") != "rbac-defaults" and not meta["name"].startswith("system-"):
            continue
        for name in ("uid", "resourceVersion", "creationTimestamp"):
            meta.pop(name, None)
        for entry in meta.get("managedFields", []):
            entry.pop("time", None)
        group = path.split("/")[2]
        objects.append({"resource": path.split("/")[-1] + "." + group, "object": item})
for name, value in (("columns", columns), ("objects", objects)):
    with gzip.GzipFile(folder / f"{name}.json.gz", "wb", compresslevel=9, mtime=0) as out:
        out.write(dump(value).encode())
