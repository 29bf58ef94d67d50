//! Writes the table of built-in types from the OpenAPI v3 documents of a server.
//!
//! ```text
//! mkdir openapi
//! kubectl version -o json > openapi/server-version.json
//! for path in $(kubectl get --raw /openapi/v3 | jq -r '.paths | keys[]'); do
//!     kubectl get --raw "/openapi/v3/$path" > "openapi/$(echo $path | tr / _).json"
//! done
//! cargo run -p kubernetes-schema --example extract -- openapi > crates/kubernetes-schema/data/kubernetes.txt
//! ```
//!
//! The server should have no custom resources: only what every server has belongs into the table.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use kubernetes_schema::Table;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: extract <folder>")?);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.sort();
    let (mut version, mut schemas) = (String::new(), Vec::new());
    for file in files {
        let mut document: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        if let Some(found) = document["serverVersion"]["gitVersion"].as_str() {
            version = found.to_owned();
        }
        let found = document["components"]["schemas"].take();
        if found.is_object() {
            schemas.push(found);
        }
    }
    print!("{}", Table::from_openapi(&version, &schemas)?.to_text()?);
    Ok(())
}
