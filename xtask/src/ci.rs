//! Everything that must hold before a change lands; what fails soonest comes first.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::members::{Member, members};
use crate::peers::{Missing, Peers};
use crate::process::{self, cargo};
use crate::{test, tidy};

pub(crate) const HELP: &str = "\
Checks everything: format and tidiness; of each crate alone the lints, builds and tests with no feature,
each and all; documentation and packages; and then every test beside its peers. Stops at the first failure,
with the command to run.

Usage: cargo xtask ci [--require-all]

Options:
  --require-all   fails if a peer of the tests is missing

Packages are made of what is committed: commit first.
";

const NONE: &str = "--no-default-features";
const ALL: &str = "--all-features";

/// Checks everything.
pub(crate) fn run(run: &Path, missing: Missing) -> Result<()> {
    let members = members()?;
    let mut times = Times::default();
    times.step("format", || process::run(&mut cargo(["fmt", "--all", "--check"])))?;
    times.step("downloads", || {
        process::run(&mut cargo(["fetch", "--locked"]))?;
        // Nothing here builds the benchmarks; their lock file has to fit all the same.
        process::run(&mut cargo(["fetch", "--locked", "--manifest-path=benches/Cargo.toml"]))
    })?;
    times.step("tidiness", tidy::run)?;
    // Now rather than after all the others; the tests at the end use this MinIO.
    let peers = times.step("peers", || Peers::find(run, missing))?;
    times.step("lints", || each(&members, lints))?;
    times.step("builds", || each(&members, builds))?;
    times.step("documentation", || each(&members, documentation))?;
    times.step("tests of each crate", || each(&members, |member| tests(member, run)))?;
    times.step("packages", || process::run(&mut cargo(["package", "--workspace", "--exclude=xtask", "--locked"])))?;
    times.step("all tests", || {
        let option = (missing == Missing::Fails).then_some("--require-all");
        process::run(cargo(["xtask", "test"]).args(option).envs(peers.variables()))
    })?;
    eprintln!("\n{times}");
    Ok(())
}

/// Runs the commands for each member, to the first that fails.
fn each(members: &[Member], commands: impl Fn(&Member) -> Result<Vec<Command>>) -> Result<()> {
    members.iter().try_for_each(|member| commands(member)?.iter_mut().try_for_each(process::run))
}

/// Clippy over all targets with no feature, the default ones, and all.
fn lints(member: &Member) -> Result<Vec<Command>> {
    let selections = [Some(NONE), member.has_default.then_some(""), member.has_features().then_some(ALL)];
    let command = |selection: &str| {
        let mut command = of(member, "clippy", selection);
        command.args(["--all-targets", "--", "-D", "warnings"]);
        command
    };
    Ok(selections.into_iter().flatten().map(command).collect())
}

/// The library or program without what only its tests enable: with no feature, each, and all.
fn builds(member: &Member) -> Result<Vec<Command>> {
    let alone = |feature: &String| {
        let mut command = of(member, "check", NONE);
        command.args(["--features", feature]);
        command
    };
    let mut commands = vec![of(member, "check", NONE)];
    commands.extend(member.features.iter().map(alone));
    commands.extend(member.has_features().then(|| of(member, "check", ALL)));
    Ok(commands)
}

fn documentation(member: &Member) -> Result<Vec<Command>> {
    let mut command = of(member, "doc", ALL);
    command.args(["--no-deps", "--config", "build.rustdocflags=['-D', 'warnings']"]);
    Ok(vec![command])
}

/// What runs without peers: with no feature, and all.
fn tests(member: &Member, run: &Path) -> Result<Vec<Command>> {
    let selections = [Some(NONE), member.has_features().then_some(ALL)];
    let command = |selection: &str| {
        let mut command = of(member, "test", selection);
        test::seal(&mut command, run)?;
        Ok(command)
    };
    selections.into_iter().flatten().map(command).collect()
}

/// `cargo TASK` on `member` alone, with a selection of its features.
fn of(member: &Member, task: &str, selection: &str) -> Command {
    let mut command = cargo([task, "--locked", "--package", &member.name]);
    command.args((!selection.is_empty()).then_some(selection));
    command
}

/// How long each step took.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    /// Does and times one step; an error names it.
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let done = work().context(name)?;
        self.0.push((name, start.elapsed()));
        Ok(done)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = ("everything", self.0.iter().map(|(_, time)| *time).sum());
        for (name, time) in self.0.iter().chain([&total]) {
            let seconds = time.as_secs();
            writeln!(f, "{:>3} min {:02} s  {name}", seconds / 60, seconds % 60)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn shown(commands: Result<Vec<Command>>) -> Vec<String> {
        commands.unwrap().iter().map(process::shown).collect()
    }

    #[test]
    fn each_crate_is_linted_and_built_with_no_feature_each_and_all() {
        let plain = Member::made_up("plain", "");
        assert_eq!(shown(builds(&plain)), ["cargo check --locked --package plain --no-default-features"]);
        assert_eq!(shown(lints(&plain)).len(), 1);

        let features = vec!["a".into(), "b".into()];
        let rich = Member { features, has_default: true, ..Member::made_up("rich", "") };
        let begin = "cargo check --locked --package rich";
        let expected = [
            "--no-default-features",
            "--no-default-features --features a",
            "--no-default-features --features b",
            "--all-features",
        ];
        assert_eq!(shown(builds(&rich)), expected.map(|end| format!("{begin} {end}")));
        assert_eq!(shown(lints(&rich)).len(), 3);
    }

    #[test]
    fn the_first_failure_ends_a_step_and_is_named() {
        let members = ["good", "bad", "missed"].map(|name| Member::made_up(name, ""));
        let commands = |member: &Member| match member.name.as_str() {
            "good" => Ok(vec![Command::new("true")]),
            "bad" => Ok(vec![Command::new("false")]),
            _ => bail!("went on after a failure"),
        };
        let error = Times::default().step("lints", || each(&members, commands)).unwrap_err();
        assert_eq!(format!("{error:#}"), "lints: exit status: 1; to see it alone, run: false");
    }

    #[test]
    fn the_summary_adds_up() {
        let times = Times(vec![("lints", Duration::from_secs(61)), ("tests", Duration::from_secs(5))]);
        assert_eq!(times.to_string(), "  1 min 01 s  lints\n  0 min 05 s  tests\n  1 min 06 s  everything\n");
    }
}
