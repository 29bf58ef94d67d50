//! Trees of kustomizations, grown from a seed, with every field that a kustomization has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A tree and the folder to build.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) path: String,
}

/// Grows the tree of a seed.
pub(crate) fn grow(seed: u64) -> Tree {
    let mut grower =
        Grower { dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1), files: BTreeMap::new() };
    for _ in 0..4 {
        grower.dice.roll(2);
    }
    let layers = 1 + grower.dice.roll(3);
    let mut known = Vec::new();
    for layer in 0..layers {
        grower.layer(layer, layer + 1 == layers, &mut known);
    }
    Tree { files: grower.files, path: format!("l{}", layers - 1) }
}

/// Xorshift: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap()
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

#[derive(Clone)]
struct Known {
    kind: &'static str,
    name: String,
    namespace: Option<String>,
    annotated: bool,
    labelled: bool,
    /// It has a number of replicas.
    counted: bool,
}

const NAMES: [&str; 5] = ["web", "db", "cache", "api", "app"];

const KINDS: [&str; 16] = [
    "Deployment",
    "Deployment",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Service",
    "ConfigMap",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "Ingress",
    "Widget",
    "Widget",
    "CronJob",
];

/// Scalars that readers of YAML disagree about.
const SCALARS: [&str; 34] = [
    "plain",
    "\"quoted\"",
    "'single'",
    "123",
    "\"123\"",
    "0755",
    "1.50",
    "1e3",
    "true",
    "\"true\"",
    "yes",
    "no",
    "~",
    "null",
    "\"\"",
    "2026-01-01",
    "\"2026-01-01\"",
    "0x1F",
    "1_000",
    "on",
    "\"y\"",
    ".5",
    "12e45678",
    "a/b:1.2",
    "9007199254740993",
    "-1",
    "\"a\\nb\"",
    "$(VAR1)",
    "'it''s'",
    "a b",
    "\"tab\\t\"",
    "é",
    "08",
    "1:30",
];

struct Grower {
    dice: Dice,
    files: BTreeMap<String, String>,
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => "apps/v1",
        "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        "Ingress" => "networking.k8s.io/v1",
        "Widget" => "example.org/v1",
        "CronJob" => "batch/v1",
        _ => "v1",
    }
}

fn has_pods(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

fn indented(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines().map(|line| format!("{space}{line}\n")).collect()
}

impl Grower {
    fn layer(&mut self, layer: usize, last: bool, known: &mut Vec<Known>) {
        let mut k = String::new();
        if !self.dice.one_in(5) {
            k.push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
        }
        let dir = format!("l{layer}");
        if layer > 0 && self.dice.one_in(6) {
            writeln!(k, "bases: [../l{}]\nresources:", layer - 1).unwrap();
        } else {
            k.push_str("resources:\n");
            if layer > 0 {
                writeln!(k, "- ../l{}", layer - 1).unwrap();
            }
        }
        if self.dice.one_in(6) {
            // A sibling with a name of its own, in a folder below.
            self.files.insert(
                format!("{dir}/inner/kustomization.yaml"),
                format!("namePrefix: in{layer}-\nresources: [r.yaml]\nconfigMapGenerator: [{{name: inner, literals: [i={layer}]}}]\n"),
            );
            self.files.insert(
                format!("{dir}/inner/r.yaml"),
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sub\ndata: {k: v}\n".to_owned(),
            );
            writeln!(k, "- inner").unwrap();
        }
        if layer == 0 || self.dice.one_in(2) {
            for at in 0..1 + self.dice.roll(4) {
                let kind = self.dice.pick(&KINDS);
                let name = self.dice.pick(&NAMES).to_owned();
                if known.iter().any(|known| known.kind == kind && known.name == name) {
                    continue;
                }
                let namespace = self.dice.pick(&["", "", "", "prod", "default"]);
                let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
                let mut object =
                    Known { kind, name, namespace, annotated: false, labelled: false, counted: false };
                let text = self.object(&object);
                object.annotated = text.contains("\n  annotations:");
                object.labelled = text.contains("\n  labels:");
                object.counted = text.contains("\n  replicas: 1") || text.contains("\n  replicas: 2");
                known.push(object);
                self.files.insert(format!("{dir}/r{at}.yaml"), text);
                writeln!(k, "- r{at}.yaml").unwrap();
            }
        }
        if layer > 0 && self.dice.one_in(5) {
            let dir = format!("c{layer}");
            let mut component =
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nmetadata: {name: c}\n"
                    .to_owned();
            if self.dice.one_in(3) {
                let inner = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -n\n";
                self.files.insert(format!("{dir}/nested/kustomization.yaml"), inner.to_owned());
                component.push_str("components: [nested]\n");
            }
            self.fields(&mut component, &dir, false, known);
            self.files.insert(format!("{dir}/kustomization.yaml"), component);
            writeln!(k, "components:\n- ../{dir}").unwrap();
        }
        self.fields(&mut k, &dir, last, known);
        self.files.insert(format!("{dir}/kustomization.yaml"), k);
    }

    fn object(&mut self, object: &Known) -> String {
        let Known { kind, name, .. } = object;
        let mut text =
            format!("apiVersion: {}\nkind: {kind}\nmetadata:\n  name: {name}\n", api_version(kind));
        if let Some(namespace) = &object.namespace {
            writeln!(text, "  namespace: {namespace}").unwrap();
        }
        if self.dice.one_in(2) {
            writeln!(
                text,
                "  labels:\n    app: {}\n    tier: {}",
                self.dice.pick(&["a", "b"]),
                self.dice.pick(&["x", "'1'"])
            )
            .unwrap();
        }
        if self.dice.one_in(3) {
            writeln!(text, "  annotations:\n    note: {}", self.dice.pick(&["n", "'true'", "5", "true"]))
                .unwrap();
        }
        match *kind {
            "Deployment" | "StatefulSet" | "DaemonSet" => {
                writeln!(text, "spec:\n  selector:\n    matchLabels:\n      app: {name}").unwrap();
                if *kind != "DaemonSet" && !self.dice.one_in(3) {
                    writeln!(text, "  replicas: {}", self.dice.pick(&["1", "2", "null", "'3'"])).unwrap();
                }
                if *kind == "StatefulSet" {
                    writeln!(text, "  serviceName: {}", self.dice.pick(&NAMES)).unwrap();
                }
                writeln!(text, "  template:\n    metadata:\n      labels:\n        app: {name}\n    spec:")
                    .unwrap();
                let pod = self.pod(name);
                text.push_str(&indented(&pod, 6));
            }
            "CronJob" => {
                text.push_str("spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n");
                let pod = self.pod(name);
                text.push_str(&indented(&pod, 10));
            }
            "Service" => {
                text.push_str("spec:\n  ports:\n  - port: 80\n    targetPort: http\n    name: http\n");
                writeln!(text, "  selector:\n    app: {name}").unwrap();
            }
            "ConfigMap" => {
                let (a, b) = (self.dice.pick(&SCALARS), self.dice.pick(&SCALARS));
                writeln!(text, "data:\n  a: {a}\n  b: {b}\n  c.yaml: |\n    x: text\n    y: [2, 3]").unwrap();
            }
            "Secret" => text.push_str("type: Opaque\ndata:\n  k: dmFsdWU=\n"),
            "Role" => {
                let name = self.dice.pick(&NAMES);
                writeln!(
                    text,
                    "rules:\n- apiGroups: ['']\n  resources: [secrets]\n  resourceNames: [{name}]"
                )
                .unwrap();
            }
            "RoleBinding" => {
                let (role, account) = (self.dice.pick(&NAMES), self.dice.pick(&["web", "db", "default"]));
                writeln!(
                    text,
                    "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: {role}"
                )
                .unwrap();
                writeln!(text, "subjects:\n- kind: ServiceAccount\n  name: {account}").unwrap();
                if self.dice.one_in(2) {
                    writeln!(text, "  namespace: {}", self.dice.pick(&["prod", "default", "dev"])).unwrap();
                }
            }
            "Ingress" => {
                let name = self.dice.pick(&NAMES);
                writeln!(text, "spec:\n  rules:\n  - host: a.b\n    http:\n      paths:\n      - path: /\n        backend:\n          service:\n            name: {name}").unwrap();
            }
            "Widget" => {
                text.push_str("spec:\n");
                for field in ["a", "b", "c", "d"] {
                    writeln!(text, "  {field}: {}", self.dice.pick(&SCALARS)).unwrap();
                }
                text.push_str(
                    "  list:\n  - name: one\n    v: 1\n  - name: two\n  deep: {x: {y: [1, '2', {z: 3}]}}\n",
                );
                if self.dice.one_in(3) {
                    text.push_str("  anchor: &a\n    k: 1\n  alias: *a\n  merged:\n    <<: *a\n    j: 2\n");
                }
            }
            _ => {}
        }
        text
    }

    fn pod(&mut self, name: &str) -> String {
        let image = self.dice.pick(&["nginx", "nginx:1.2", "docker.io/lib/redis:5", "busybox@sha256:abc"]);
        let mut pod = format!("containers:\n- name: {name}\n  image: {image}\n");
        if self.dice.one_in(2) {
            let reference = self.dice.pick(&NAMES);
            let value = self.dice.pick(&["x", "'1'", "$(VAR1)", "pre-$(VAR1)"]);
            writeln!(pod, "  env:\n  - name: A\n    value: {value}\n  - name: B\n    valueFrom:\n      configMapKeyRef: {{name: {reference}, key: k}}").unwrap();
        }
        if self.dice.one_in(2) {
            writeln!(
                pod,
                "  ports:\n  - containerPort: 80\n  - containerPort: 443\n    protocol: {}",
                self.dice.pick(&["TCP", "UDP"])
            )
            .unwrap();
        }
        if self.dice.one_in(3) {
            pod.push_str("- name: side\n  image: busybox\n");
        }
        if self.dice.one_in(3) {
            writeln!(pod, "volumes:\n- name: v\n  configMap:\n    name: {}", self.dice.pick(&NAMES)).unwrap();
        }
        if self.dice.one_in(4) {
            writeln!(pod, "serviceAccountName: {}", self.dice.pick(&NAMES)).unwrap();
        }
        pod
    }

    fn fields(&mut self, k: &mut String, dir: &str, last: bool, known: &[Known]) {
        for (sides, field, values) in [
            (4, "namespace", &["prod", "dev", "x"][..]),
            (4, "namePrefix", &["p-", "a1-", "'1'"]),
            (4, "nameSuffix", &["-s", "-v2"]),
            (6, "commonLabels", &["{common: c}", "{common: '2', app: over}"]),
            (5, "commonAnnotations", &["{ca: x}", "{ca: '1'}"]),
            (
                5,
                "images",
                &[
                    "[{name: nginx, newTag: '1.5'}]",
                    "[{name: busybox, newName: other/img}]",
                    "[{name: docker.io/lib/redis, digest: 'sha256:ff'}, {name: nginx, newName: q, newTag: t}]",
                ],
            ),
            (
                9,
                "generatorOptions",
                &["{disableNameSuffixHash: true}", "{labels: {go: x}, annotations: {ga: b}}"],
            ),
            (
                6,
                "secretGenerator",
                &[
                    "[{name: sgen, literals: [pw=s3cr3t]}]",
                    "[{name: sgen2, type: t, envs: [e.env]}]",
                    "[{name: sgen3, files: [f.txt, bin=b.bin], options: {immutable: true}}]",
                ],
            ),
            (
                5,
                "configMapGenerator",
                &[
                    "[{name: gen, literals: [a=1, 'k=\"q\"']}]",
                    "[{name: gen, files: [f.txt, key=f.txt], options: {immutable: true, labels: {l: g}}}]",
                    "[{name: gen, behavior: create, literals: [multi=\"a b\", 'x=1\\n2'], files: [b.bin]}, {name: gen, behavior: merge, literals: [multi=merged]}]",
                    "[{name: gen, literals: [a=1, b=2]}, {name: gen, behavior: replace, literals: [c=3]}]",
                    "[{name: gen, namespace: own, env: e.env, options: {annotations: {ga: x}}}]",
                    "[{name: gen, envs: [e.env], options: {disableNameSuffixHash: true}}]",
                ],
            ),
            (9, "configurations", &["[cfg.yaml]"]),
            (9, "crds", &["[crds.json]"]),
            (12, "openapi", &["{path: schema.json}", "{version: v1.21.2}"]),
            (10, "generators", &["[ge.yaml]", "[gs.yaml, gi.yaml]"]),
            (
                5,
                "transformers",
                &[
                    "[t1.yaml]",
                    "[t2.yaml]",
                    "[t3.yaml, t1.yaml]",
                    "[many.yaml]",
                    "['{apiVersion: builtin, kind: LabelTransformer, metadata: {name: in}, labels: {inline: l}, fieldSpecs: [{path: metadata/labels, create: true}]}']",
                ],
            ),
            (12, "validators", &["[v.yaml]"]),
        ] {
            if self.dice.one_in(sides) {
                // Each folder makes objects of its own.
                let value = self.dice.pick(values).replace("{name: gen", &format!("{{name: {dir}gen"));
                writeln!(k, "{field}: {}", value.replace("{name: sgen", &format!("{{name: {dir}sgen")))
                    .unwrap();
            }
        }
        if self.dice.one_in(7)
            && let Some(known) =
                known.iter().rfind(|known| known.kind == "ConfigMap" && known.namespace.is_none())
            && !k.contains("configMapGenerator")
            && !k.contains("namespace:")
        {
            let behavior = self.dice.pick(&["merge", "merge", "replace"]);
            writeln!(
                k,
                "configMapGenerator: [{{name: {}, behavior: {behavior}, literals: [a=merged, new=x]}}]",
                known.name
            )
            .unwrap();
        }
        if self.dice.one_in(5) {
            let more = self.dice.pick(&[
                "",
                ", includeSelectors: true",
                ", includeTemplates: true",
                ", fields: [{path: spec/labels, create: true, kind: Widget}]",
            ]);
            writeln!(k, "labels: [{{pairs: {{lab: l}}{more}}}]").unwrap();
        }
        if last {
            for (field, values) in [
                (
                    "sortOptions",
                    &[
                        "{order: legacy}",
                        "{order: fifo}",
                        "{order: legacy, legacySortOptions: {orderFirst: [Service, Widget], orderLast: [ConfigMap]}}",
                    ][..],
                ),
                (
                    "buildMetadata",
                    &[
                        "[originAnnotations]",
                        "[transformerAnnotations]",
                        "[originAnnotations, transformerAnnotations]",
                    ],
                ),
            ] {
                if self.dice.one_in(6) {
                    writeln!(k, "{field}: {}", self.dice.pick(values)).unwrap();
                }
            }
        }
        if !known.is_empty() {
            self.targeted(k, dir, known);
        }
        self.side_files(dir);
    }

    /// Fields that speak of objects.
    fn targeted(&mut self, k: &mut String, dir: &str, known: &[Known]) {
        let pick = |dice: &mut Dice| known[dice.roll(known.len())].clone();
        if self.dice.one_in(3) {
            k.push_str("patches:\n");
            for at in 0..1 + self.dice.roll(2) {
                let object = pick(&mut self.dice);
                let patch = if self.dice.one_in(2) { self.operations(&object) } else { self.merge(&object) };
                if self.dice.one_in(4) {
                    self.files.insert(format!("{dir}/patch{at}.yaml"), patch.clone());
                    writeln!(k, "- path: patch{at}.yaml").unwrap();
                } else {
                    write!(k, "- patch: |-\n{}", indented(&patch, 4)).unwrap();
                }
                let is_delete = patch.contains("$patch: delete");
                if patch.starts_with('-') || self.dice.one_in(3) && !is_delete {
                    let more = self.dice.pick(&[
                        "",
                        "",
                        "",
                        ", version: v1",
                        ", labelSelector: app",
                        ", annotationSelector: '!nope'",
                    ]);
                    writeln!(k, "  target: {{kind: {}, name: '{}'{more}}}", object.kind, object.name)
                        .unwrap();
                } else if self.dice.one_in(6) {
                    writeln!(k, "  target: {{kind: {}, name: '.*'}}", object.kind).unwrap();
                }
                if self.dice.one_in(9) {
                    let option = self.dice.pick(&["allowNameChange: true", "allowKindChange: true"]);
                    writeln!(k, "  options: {{{option}}}").unwrap();
                }
            }
        }
        let object = pick(&mut self.dice);
        if self.dice.one_in(9) {
            let patch = self.merge(&object);
            if self.dice.one_in(3) {
                self.files.insert(format!("{dir}/psm.yaml"), patch);
                k.push_str("patchesStrategicMerge: [psm.yaml]\n");
            } else {
                write!(k, "patchesStrategicMerge:\n- |-\n{}", indented(&patch, 2)).unwrap();
            }
        }
        if self.dice.one_in(9) {
            let patch = self.operations(&object);
            let target = format!("{{version: v1, kind: {}, name: {}}}", object.kind, object.name);
            if self.dice.one_in(3) {
                self.files.insert(format!("{dir}/p6902.yaml"), patch);
                write!(k, "patchesJson6902:\n- target: {target}\n  path: p6902.yaml\n").unwrap();
            } else {
                write!(k, "patchesJson6902:\n- target: {target}\n  patch: |-\n{}", indented(&patch, 4))
                    .unwrap();
            }
        }
        if self.dice.one_in(6) && matches!(object.kind, "Deployment" | "StatefulSet") {
            writeln!(k, "replicas: [{{name: {}, count: 4}}]", object.name).unwrap();
        }
        if self.dice.one_in(4) {
            self.replacements(k, dir, &object, &pick);
        }
        if self.dice.one_in(9) {
            let field = self.dice.pick(&[
                "",
                "",
                "\n  fieldref: {fieldPath: metadata.name}",
                "\n  fieldref: {fieldpath: kind}",
            ]);
            // The first folder's variable is the one that fields speak of.
            let name = if dir == "l0" { "VAR1".to_owned() } else { format!("VAR{dir}") };
            writeln!(
                k,
                "vars:\n- name: {name}\n  objref: {{apiVersion: {}, kind: {}, name: {}}}{field}",
                api_version(object.kind),
                object.kind,
                object.name
            )
            .unwrap();
        }
    }

    /// Replacements with all their options.
    fn replacements(&mut self, k: &mut String, dir: &str, object: &Known, pick: &dyn Fn(&mut Dice) -> Known) {
        let target = pick(&mut self.dice);
        let from = match self.dice.roll(4) {
            0 if object.labelled => "metadata.labels.app",
            1 => "kind",
            2 => "apiVersion",
            _ => "metadata.name",
        };
        let source = match self.dice.roll(6) {
            0 => "sourceValue: given".to_owned(),
            1 => format!("source: {{kind: {}, name: {}}}", object.kind, object.name),
            2 if object.kind == "Widget" => {
                format!(
                    "source: {{kind: Widget, name: {}, fieldPath: 'spec.list.[name=one].v'}}",
                    object.name
                )
            }
            3 => format!(
                "source: {{kind: {}, name: {}, fieldPath: {from}, options: {{delimiter: e, index: 0}}}}",
                object.kind, object.name
            ),
            _ => format!("source: {{kind: {}, name: {}, fieldPath: {from}}}", object.kind, object.name),
        };
        let select = match self.dice.roll(5) {
            0 => format!("{{kind: {}}}", target.kind),
            1 => "{name: '.*'}\n    reject: [{kind: Widget}, {name: none}]".to_owned(),
            2 => format!("{{kind: {}, name: {}, version: v1}}", target.kind, target.name),
            _ => format!("{{kind: {}, name: {}}}", target.kind, target.name),
        };
        let paths = match target.kind {
            "Deployment" | "StatefulSet" | "DaemonSet" if self.dice.one_in(2) => self.dice.pick(&[
                "['spec.template.spec.containers.*.image']",
                "[spec.template.metadata.labels.rep]",
                "['spec.template.spec.containers.0.name']",
            ]),
            "Widget" if self.dice.one_in(2) => self.dice.pick(&[
                "['spec.list.[name=two].v']",
                "[spec.deep.x.z, spec.a]",
                "['spec.list.*.v']",
            ]),
            "ConfigMap" if self.dice.one_in(2) => {
                self.dice.pick(&["['data.c\\.yaml']", "[data.new]", "['data.c\\.yaml.x']"])
            }
            _ => self.dice.pick(&[
                "[metadata.annotations.r]",
                "['metadata.labels.a\\.b/c']",
                "[spec.r]",
                "[metadata.annotations.r, metadata.labels.s]",
            ]),
        };
        let options = match self.dice.roll(5) {
            // Delimiters inside of structured texts are newer than the oracle; the corpus has them.
            _ if paths.contains("yaml.x") => "{create: true}",
            0 => "{create: true, delimiter: '-', index: 1}",
            1 => "{create: true, delimiter: '/', index: -1}",
            _ => "{create: true}",
        };
        let one = format!(
            "- {source}\n  targets:\n  - select: {select}\n    fieldPaths: {paths}\n    options: {options}\n"
        );
        if self.dice.one_in(5) {
            self.files.insert(format!("{dir}/rep.yaml"), one);
            k.push_str("replacements: [{path: rep.yaml}]\n");
        } else {
            write!(k, "replacements:\n{one}").unwrap();
        }
    }

    fn operations(&mut self, object: &Known) -> String {
        let mut operations = String::new();
        for _ in 0..1 + self.dice.roll(2) {
            let one = match self.dice.roll(12) {
                0 if object.annotated => "{op: add, path: /metadata/annotations/new, value: v}",
                1 if object.annotated => "{op: remove, path: /metadata/annotations/note}",
                2 if object.counted => "{op: remove, path: /spec/replicas}",
                3 if object.counted => "{op: move, from: /spec/replicas, path: /moved}",
                4 => "{op: replace, path: /metadata/name, value: renamed}",
                5 => "{op: copy, from: /metadata/name, path: /copied}",
                6 => "{op: test, path: /nothing, value: null}",
                7 => "{op: replace, path: /new, value: 0755}",
                8 => "{op: add, path: /metadata/annotations, value: {q: 'yes', n: 5}}",
                9 => "{op: add, path: /metadata/labels, value: {z: '1', y: yes2}}",
                10 if has_pods(object.kind) => {
                    "{op: add, path: /spec/template/spec/containers/-, value: {name: last, image: nginx}}"
                }
                11 if object.kind == "Widget" => "{op: replace, path: /spec/list/0/v, value: 1e3}",
                _ => {
                    "{op: add, path: /added, value: {f: 1.5, big: 1234567, n: null, l: [], m: {}, t: \"a\\nb\"}}"
                }
            };
            if operations.contains(one) {
                continue;
            }
            writeln!(operations, "- {one}").unwrap();
        }
        operations
    }

    fn merge(&mut self, object: &Known) -> String {
        let Known { kind, name, .. } = object;
        let mut text =
            format!("apiVersion: {}\nkind: {kind}\nmetadata:\n  name: {name}\n", api_version(kind));
        if let Some(namespace) = &object.namespace {
            writeln!(text, "  namespace: {namespace}").unwrap();
        }
        if self.dice.one_in(16) {
            text.push_str("$patch: delete\n");
            return text;
        }
        if self.dice.one_in(2) {
            writeln!(
                text,
                "  labels:\n    app: {}\n    extra: e",
                self.dice.pick(&["patched", "null", "'7'"])
            )
            .unwrap();
        }
        let container = format!("  template:\n    spec:\n      containers:\n      - name: {name}\n");
        if has_pods(kind) {
            let part = match self.dice.roll(7) {
                0 => "  replicas: 9\n".to_owned(),
                1 => "  replicas: null\n".to_owned(),
                2 => format!("{container}        image: patched:1\n        env:\n        - name: A\n          value: new\n        - name: Q\n          value: q\n"),
                3 => format!("{container}        ports:\n        - containerPort: 80\n          name: named\n        - containerPort: 9\n          protocol: UDP\n"),
                4 => "  template:\n    spec:\n      containers:\n      - name: extra\n        image: e:1\n      - name: side\n        $patch: delete\n".to_owned(),
                5 => "  template:\n    spec:\n      $patch: replace\n      containers:\n      - name: z\n".to_owned(),
                _ => format!("{container}        env: null\n        command: [a, b]\n      tolerations:\n      - key: k\n"),
            };
            write!(text, "spec:\n{part}").unwrap();
        } else if *kind == "ConfigMap" {
            let (a, z) = (self.dice.pick(&SCALARS), self.dice.pick(&SCALARS));
            writeln!(text, "data:\n  a: {a}\n  z: {z}\n  b: null").unwrap();
        } else if *kind == "Service" {
            text.push_str(
                "spec:\n  ports:\n  - port: 80\n    nodePort: 3000\n  - port: 81\n    name: more\n",
            );
        } else if *kind == "Widget" {
            let value = self.dice.pick(&SCALARS);
            writeln!(
                text,
                "spec:\n  a: {value}\n  b: null\n  list:\n  - name: three\n  deep:\n    x:\n      w: {value}"
            )
            .unwrap();
        }
        text
    }

    /// What the fields name by path.
    fn side_files(&mut self, dir: &str) {
        let mut put = |name: &str, text: &str| {
            self.files.insert(format!("{dir}/{name}"), text.to_owned());
        };
        put("f.txt", "line one\nline <two> & three\n");
        put("e.env", "# comment\nX=1\nY=a=b\n\nZ\n");
        put(
            "cfg.yaml",
            "namePrefix:\n- path: spec/a\n  kind: Widget\ncommonLabels:\n- path: spec/labels\n  create: true\n  kind: Widget\nnameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - path: spec/c\n    kind: Widget\nvarReference:\n- path: spec/d\n  kind: Widget\nnamespace:\n- path: spec/ns\n  create: true\n  kind: Widget\n",
        );
        put(
            "crds.json",
            r##"{"org.example.v1.Widget":{"Schema":{"properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"type":"object"},"spec":{"$ref":"org.example.v1.WidgetSpec"}}}},"org.example.v1.WidgetSpec":{"Schema":{"properties":{"ref":{"x-kubernetes-object-ref-api-version":"v1","x-kubernetes-object-ref-kind":"ConfigMap"},"sel":{"x-kubernetes-label-selector":"","type":"object"}}}}}"##,
        );
        put(
            "schema.json",
            r##"{"definitions":{"v1.Widget":{"properties":{"spec":{"$ref":"#/definitions/v1.WidgetSpec"}},"x-kubernetes-group-version-kind":[{"group":"example.org","kind":"Widget","version":"v1"}]},"v1.WidgetSpec":{"properties":{"list":{"type":"array","items":{"type":"object"},"x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge"}}}}}"##,
        );
        put(
            "ge.yaml",
            &format!(
                "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {{name: {dir}plug}}\nliterals: [a=b]\n"
            ),
        );
        put(
            "t1.yaml",
            "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: one}\nannotations: {ta: 5}\nfieldSpecs:\n- path: metadata/annotations\n  create: true\n",
        );
        put(
            "t2.yaml",
            "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: two}\nlabels: {validated-by: x}\nfieldSpecs:\n- path: metadata/labels\n  create: true\n",
        );
        put("b.bin", "bin\u{1}ary\n");
        put(
            "gs.yaml",
            &format!(
                "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {{name: {dir}plugs}}\nbehavior: create\nliterals: [a=b]\noptions: {{disableNameSuffixHash: true}}\n"
            ),
        );
        put(
            "gi.yaml",
            &format!(
                "apiVersion: builtin\nkind: IAMPolicyGenerator\nmetadata: {{name: iam}}\ncloud: gke\nkubernetesService: {{name: {dir}ksa}}\nserviceAccount: {{name: gsa, projectId: p}}\n"
            ),
        );
        put(
            "many.yaml",
            "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: m1}\nprefix: tp-\nfieldSpecs: [{path: metadata/name}]\n---\napiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: m2}\nimageTag: {name: nginx, newTag: v8}\n---\napiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: m3}\nvalue: added\ntargets: [{fieldPath: metadata/annotations/va}]\n---\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: m4}\npatch: '[{\"op\": \"add\", \"path\": \"/byPlugin\", \"value\": true}]'\ntarget: {kind: Widget}\n---\napiVersion: builtin\nkind: HashTransformer\nmetadata: {name: m5}\n",
        );
        put("v.yaml", "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: v}\n");
        put(
            "t3.yaml",
            "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: three, namespace: tns}\nunsetOnly: true\nsetRoleBindingSubjects: allServiceAccounts\n",
        );
    }
}
