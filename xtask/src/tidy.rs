//! Checks tidiness.
use anyhow::Result;
pub(crate) const HELP: &str = "Not written yet.\n";
pub(crate) fn run() -> Result<()> {
    anyhow::bail!("not written yet")
}
