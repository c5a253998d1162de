//! What our layer costs, beside what one would write without it.
//!
//! Both sides of a comparison do the same work with the same payload on the same disk or server. They take turns, so
//! that whatever else the machine does meets both.

mod files;
mod measure;
mod objects;
mod report;
mod server;
mod side;

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use cred_store::{CredentialStore, blocking};
use cred_store_local::LocalStore;

use crate::files::Files;
use crate::measure::Meter;
use crate::objects::{Objects, Site};
use crate::report::{Budget, Row, Section};
use crate::server::Embedded;
use crate::side::{Operation, Ours, Side, user};

const HELP: &str = "\
Measures loads and saves against `std::fs` and `object_store`, prints the figures and writes them to
docs/benchmarks.md. Takes some minutes; the quieter the machine, the better.

Usage: cargo xtask bench [-- --rounds N]

Options:
  --rounds N   how often the sides take turns, 7 at least [default: 51]
";

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => bench(51),
        ["--rounds", rounds] => bench(rounds.parse().ok().filter(|rounds| *rounds >= 7).context("N is 7 or more")?),
        ["-h" | "--help"] => {
            print!("{HELP}");
            Ok(())
        }
        [server::SERVE] => server::serve(),
        _ => bail!("cannot read `{}`; see: cargo xtask bench -- --help", args.join(" ")),
    }
}

fn bench(rounds: usize) -> Result<()> {
    // Beside this program: a directory for temporary files may be in memory.
    let program = env::current_exe()?;
    let disk = tempfile::tempdir_in(program.parent().context("a program lies in a directory")?)?;
    let heading = report::heading(rounds, disk.path())?;

    let meter = Meter::new(rounds)?;
    let mut sections = vec![on_disk(&meter, disk.path())?];
    let embedded = Embedded::start()?;
    sections.push(on_a_server(&meter, "The embedded S3 server", embedded.site())?);
    drop(embedded);
    if let Some(site) = Site::minio()? {
        sections.push(on_a_server(&meter, "MinIO", &site)?);
    }

    let report = report::page(&heading, &sections);
    print!("{report}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    fs::write(&page, report).with_context(|| format!("cannot write {}", page.display()))
}

fn on_disk(meter: &Meter, disk: &Path) -> Result<Section> {
    let documents = Arc::new(LocalStore::new(disk.join("ours")));
    let ours: Arc<dyn Side> = Arc::new(meter.block_on(Ours::new(documents.clone(), 1))?);
    let theirs: Arc<dyn Side> = Arc::new(Files::new(disk.join("theirs"))?);
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        let measured = meter.compare(operation, 1, &ours, &theirs)?;
        let budget = Budget { time: if operation.writes() { 1.15 } else { 1.30 }, processor: None };
        rows.push(Row { what: operation.to_string(), in_flight: 1, measured, budget });
    }

    let (credentials, user) = (CredentialStore::over(documents), user(0));
    let facade = blocking::CredentialStore::new(credentials.clone())?;
    let measured = meter.take_turns(
        1,
        &|times| (0..times).try_for_each(|_| facade.load(&user)?.map(drop).context("it is there")),
        &|times| {
            meter.block_on(async {
                for _ in 0..times {
                    credentials.load(&user).await?.context("it is there")?;
                }
                Ok(())
            })
        },
    )?;
    let budget = Budget { time: 1.50, processor: None };
    rows.push(Row { what: "blocking load".into(), in_flight: 1, measured, budget });
    Ok(Section {
        title: "A directory",
        text: "\
The other side uses `std::fs` on a thread for blocking work: it reads the file; it writes a new file, flushes it to the
disk, renames it and flushes the directory. The last row is the facade for callers without async beside the async one.",
        rows,
    })
}

fn on_a_server(meter: &Meter, title: &'static str, site: &Site) -> Result<Section> {
    let in_flight = [1, 32];
    let most = in_flight[1];
    let ours: Arc<dyn Side> = Arc::new(meter.block_on(Ours::new(Arc::new(site.store()?), most))?);
    let theirs: Arc<dyn Side> = Arc::new(meter.block_on(Objects::new(site, most))?);
    let mut rows = Vec::new();
    for in_flight in in_flight {
        for operation in Operation::ALL {
            let measured = meter.compare(operation, in_flight, &ours, &theirs)?;
            // 0.95 of the throughput, in time.
            let budget = Budget { time: 1.0 / 0.95, processor: Some(1.10) };
            rows.push(Row { what: operation.to_string(), in_flight, measured, budget });
        }
    }
    Ok(Section {
        title,
        text: "\
The other side uses `object_store` directly. The server is a process of its own on this machine, without TLS; encryption
at rest is not asked for. A save is conditional on both sides. The budget is one for `get` and `put`; beside it, `load` and
`save` show what decoding, merging and encoding add.",
        rows,
    })
}
