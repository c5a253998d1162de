//! Checks everything.
use crate::peers::Missing;
use anyhow::Result;
use std::path::Path;
pub(crate) const HELP: &str = "Not written yet.\n";
pub(crate) fn run(_run: &Path, _missing: Missing) -> Result<()> {
    anyhow::bail!("not written yet")
}
