//! The figures as a page.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::Utc;

use crate::measure::{Measured, Ratio};
use crate::side::PAYLOAD;

/// A place, and what was measured there.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What the other side is.
    pub(crate) text: &'static str,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) in_flight: usize,
    pub(crate) measured: Measured,
    pub(crate) budget: Budget,
}

/// The largest ratios that we allow ourselves.
pub(crate) struct Budget {
    pub(crate) time: f64,
    pub(crate) processor: Option<f64>,
}

/// How and on what is measured, told before it begins.
///
/// # Errors
///
/// If `directory` is in memory, where nothing is durable.
pub(crate) fn heading(rounds: usize, directory: &Path) -> Result<String> {
    let read = |file: &str| fs::read_to_string(file).with_context(|| format!("cannot read {file}"));
    let file_system = file_system(directory, &read("/proc/self/mounts")?)?;
    if ["ramfs", "tmpfs"].contains(&file_system.as_str()) {
        bail!("{} is in memory; set CARGO_TARGET_DIR to a directory on a disk", directory.display());
    }
    let processors = read("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    Ok(format!(
        "\
# Benchmarks

What our layer costs, as ratios to the same work without it, on one machine in one run. To measure again:

```sh
cargo xtask bench
```

- Date: {date}, version {version}.
- Machine: {count} × {model}, Linux {kernel}, {file_system}. When the run began, {load} processes were
  waiting for a processor or running on one: the less, the steadier the figures.
- Payload: a credential of {bytes} bytes.
- Each side does the same work for at least 50 ms; then it is the other's turn, for {rounds} rounds after a
  warm-up. Times are medians per operation. A ratio is ours by theirs, the quotient of the medians; in parentheses
  stand the quartiles of the quotients of the rounds.
- \"Processor\" is the time that the measuring process spends on all processors; servers are processes of their own.
- `get` and `put` move bytes, `load` and `save` credentials: decoded, checked, merged and encoded, where the other side
  decodes and encodes a plain struct.
",
        date = Utc::now().date_naive(),
        version = env!("CARGO_PKG_VERSION"),
        count = processors.lines().filter(|line| line.starts_with("processor")).count(),
        model = model.map_or("unknown processors", |(_, model)| model),
        kernel = kernel.split('.').take(2).collect::<Vec<_>>().join("."),
        load = load.split(' ').next().unwrap_or_default(),
        bytes = PAYLOAD.len(),
    ))
}

/// The whole page.
pub(crate) fn page(heading: &str, sections: &[Section]) -> String {
    let mut page = heading.to_owned();
    for section in sections {
        let _ = write!(page, "\n## {}\n\n{}\n\n", section.title, section.text);
        page += "| | in flight | ours | theirs | time | budget | processor | budget | |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n";
        for Row { what, in_flight, measured, budget } in &section.rows {
            let met = measured.time.of_medians <= budget.time
                && budget.processor.is_none_or(|most| measured.processor.of_medians <= most);
            let _ = writeln!(
                page,
                "| {what} | {in_flight} | {} | {} | {} | {:.2} | {} | {} | {} |",
                micros(measured.ours.time),
                micros(measured.theirs.time),
                ratio(measured.time),
                budget.time,
                ratio(measured.processor),
                budget.processor.map_or("–".into(), |most| format!("{most:.2}")),
                if met { "met" } else { "**missed**" },
            );
        }
    }
    page
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn ratio(Ratio { of_medians, quartiles: [low, high] }: Ratio) -> String {
    format!("{of_medians:.2} ({low:.2}–{high:.2})")
}

/// The type of the file system that holds `directory`.
fn file_system(directory: &Path, mounts: &str) -> Result<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    let holding = mounts.filter(|(point, _)| directory.starts_with(point));
    let (_, kind) = holding.max_by_key(|(point, _)| point.as_os_str().len()).context("a directory lies in a mount")?;
    Ok(kind.to_owned())
}
