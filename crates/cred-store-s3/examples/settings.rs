//! A service that keeps settings in a bucket, and loses none when several of its instances change them at once.
//!
//! `cargo run -p cred-store-s3 --example settings -- s3://bucket/path/ colour blue`

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;

use cred_store_s3::{DocumentStoreExt, Environment, Location, S3StoreBuilder};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Deserialize, Serialize)]
struct Settings {
    changes: u64,
    values: BTreeMap<String, String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let env = Environment::from_process();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [location, name, value] = &args[..] else { return Err("usage: settings s3://bucket/path/ NAME VALUE".into()) };
    let Location::S3(place) = Location::parse(location, &env)? else { return Err("not an s3:// location".into()) };
    let builder = S3StoreBuilder::new(place.bucket()).with_prefix(place.prefix());
    let store = builder.with_environment(&env).build()?;

    let change = |settings: Option<Settings>| {
        let mut settings = settings.unwrap_or_default();
        settings.changes += 1;
        settings.values.insert(name.clone(), value.clone());
        Ok::<_, Infallible>(settings)
    };
    let settings = store.update_json(&"settings.json".parse()?, change).await?;
    writeln!(std::io::stdout(), "change {}, version {}", settings.value.changes, settings.version)?;
    Ok(())
}
