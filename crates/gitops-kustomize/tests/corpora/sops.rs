//! The corpus `sops`: what the sops command makes of files, and Flux of objects and of the files of a build.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gitops_kustomize::Kustomize;
use gitops_kustomize::decrypt::{DecryptError, Decryptor, Format, Keyring, Strictness};
use gitops_manifest::{FileTree, MemoryTree, Object};
use serde_json::Value;

use super::{folder, read_one, run};

#[test]
fn sops() {
    run("sops", case);
}

/// Waits for a future that waits for nobody.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("only key services make anybody wait"),
    }
}

fn read(file: &Value) -> Vec<u8> {
    std::fs::read(folder().unwrap().join("sops").join(file.as_str().unwrap())).unwrap()
}

fn decryptor(input: &Value, strictness: Strictness) -> Result<Decryptor, DecryptError> {
    let mut keys = Keyring::new();
    for file in input["keys"].as_array().into_iter().flatten() {
        let (content, name) = (read(file), file.as_str().unwrap());
        let text = || String::from_utf8(content.clone()).unwrap();
        if name.ends_with(".agekey") {
            keys.import_age(&text())?;
        } else if name.ends_with(".key") {
            keys.import_ssh(&text())?;
        } else {
            keys.import_pgp(&content)?;
        }
    }
    Ok(Decryptor::new(keys).strictness(strictness))
}

fn format(name: &Value) -> Format {
    match name.as_str().unwrap() {
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        "dotenv" => Format::Dotenv,
        "ini" => Format::Ini,
        "binary" => Format::Binary,
        other => panic!("no format is called {other}"),
    }
}

/// The corpus' name of an error.
fn class(error: &DecryptError) -> &'static str {
    match error.innermost() {
        DecryptError::Load { .. } => "load",
        DecryptError::NotEncrypted { .. } => "not-encrypted",
        DecryptError::NoKey(_) | DecryptError::Import(_) => "no-key",
        DecryptError::Value { .. } => "value",
        DecryptError::Mac(_) => "mac",
        DecryptError::Emit { .. } => "emit",
        _ => "other",
    }
}

fn case(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "flux-data" | "flux-resource" => object(input, expect),
        "flux-file" => file_of_build(input, expect),
        _ => {
            file(input, expect, Strictness::Safe, Format::Json)?;
            let lenient = match &case["expect_ignore_mac"] {
                Value::String(_) => expect,
                other => other,
            };
            file(input, lenient, Strictness::Flux, Format::Json).map_err(|why| format!("without MAC: {why}"))
        }
    }
}

fn file(input: &Value, expect: &Value, strictness: Strictness, json: Format) -> Result<(), String> {
    let content = read(&input["file"]);
    let decrypt = |output: Format| {
        ready(async { decryptor(input, strictness)?.file(&content, format(&input["format"]), output).await })
    };
    hold(decrypt(format(&input["output_format"])).map(Vec::from), expect)?;
    if let Some(want) = expect.get("value") {
        let got: Value = serde_json::from_slice(&decrypt(json).map_err(|error| error.to_string())?).unwrap();
        if !same(&got, want) {
            return Err(format!("as JSON: got {got}, want {want}"));
        }
    }
    Ok(())
}

/// Tells whether two values are one, where -0.0 is 0 and 1.0 is 1.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(got), Value::Number(want)) => {
            got == want || got.as_i64().is_none() && got.as_f64() == want.as_f64()
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| same(got, want))
        }
        (Value::Object(got), Value::Object(want)) => {
            got.len() == want.len()
                && want.iter().all(|(key, want)| got.get(key).is_some_and(|got| same(got, want)))
        }
        _ => got == want,
    }
}

fn hold(got: Result<Vec<u8>, DecryptError>, expect: &Value) -> Result<(), String> {
    match (got, expect.get("error").and_then(Value::as_str)) {
        (Err(error), Some(want)) if class(&error) == want => Ok(()),
        (Err(error), want) => Err(format!("got error {}: {error}; want {want:?}", class(&error))),
        (Ok(_), Some(want)) => Err(format!("succeeded, want error {want}")),
        (Ok(got), None) => {
            let want = match expect.get("output_base64") {
                Some(text) => BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap(),
                None => expect["output"].as_str().unwrap().as_bytes().to_vec(),
            };
            if got == want {
                return Ok(());
            }
            let show = String::from_utf8_lossy;
            Err(format!("got:\n{}\nwant:\n{}", show(&got), show(&want)))
        }
    }
}

fn object(input: &Value, expect: &Value) -> Result<(), String> {
    let text = String::from_utf8(read(&input["resource"])).unwrap();
    let object = Object::new(read_one(&text)).unwrap();
    let got = ready(async { decryptor(input, Strictness::Flux)?.object(&object).await });
    if let Err(error) = &got
        && error.to_string().contains("canary")
    {
        return Err(format!("the error tells a value: {error}"));
    }
    match (got, expect.get("error").and_then(Value::as_str)) {
        (Err(error), Some(want)) if class(&error) == want => Ok(()),
        (Err(error), want) => Err(format!("got error {}: {error}; want {want:?}", class(&error))),
        (Ok(_), Some(want)) => Err(format!("succeeded, want error {want}")),
        (Ok(got), None) if expect["unchanged"] == true => {
            got.map_or(Ok(()), |_| Err("was changed".to_owned()))
        }
        (Ok(got), None) => {
            let got = got.ok_or("was left as it is")?;
            let (got, want) = match expect.get("data") {
                Some(want) => (&got.value()["data"], want),
                None => (got.value(), &expect["object"]),
            };
            if got == want { Ok(()) } else { Err(format!("got {got}, want {want}")) }
        }
    }
}

/// Puts the file where the entry of a kustomization names it.
fn file_of_build(input: &Value, expect: &Value) -> Result<(), String> {
    let entry = input["entry"].as_str().unwrap();
    let path = entry.split_once('=').map_or(entry, |(_, path)| path);
    let list = match input["list"].as_str().unwrap() {
        "patches" => format!("patches: [{{path: {entry}}}]"),
        list => format!("secretGenerator: [{{name: a, {list}: ['{entry}']}}]"),
    };
    let content = read(&input["file"]);
    let mut tree = MemoryTree::new();
    tree.insert("app/kustomization.yaml", list).unwrap();
    tree.insert(format!("app/{path}"), content.clone()).unwrap();
    let tree: Arc<dyn FileTree> = Arc::new(tree);
    let kustomize = Kustomize::new("app");
    let got = ready(async {
        let decryptor = decryptor(input, Strictness::Flux)?;
        let decrypted = decryptor.sources(&tree, &kustomize).await?;
        Ok(decrypted.read(&format!("app/{path}")).unwrap().to_vec())
    });
    if expect["unchanged"] == true {
        return match got {
            Ok(got) if got == content => Ok(()),
            other => Err(format!("was changed: {other:?}")),
        };
    }
    hold(got, expect)
}
