//! The crates of the workspace, as their manifests declare them.

use std::path::Path;

use anyhow::Result;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::process;

/// A crate of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where its manifest stands, from the root of the workspace, with a slash at its end.
    pub(crate) directory: String,
    pub(crate) description: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) has_readme: bool,
    /// All but `default`.
    pub(crate) features: Vec<String>,
    /// Whether some of them are on by default.
    pub(crate) has_default: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// Something that a member declares to depend on.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) for_tests: bool,
}

/// Every member, sorted by name.
pub(crate) fn members() -> Result<Vec<Member>> {
    let options = ["--locked".to_owned()];
    let metadata = MetadataCommand::new().current_dir(process::root()).no_deps().other_options(options).exec()?;
    let mut members: Vec<_> = metadata.packages.into_iter().map(Member::from).collect();
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}

impl From<Package> for Member {
    fn from(package: Package) -> Self {
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            for_tests: dependency.kind == DependencyKind::Development,
        });
        let directory = package.manifest_path.parent().and_then(|path| path.strip_prefix(process::root()).ok());
        Self {
            directory: format!("{}/", directory.expect("members lie below the root")),
            name: package.name.to_string(),
            has_readme: package.readme().is_some_and(|file| Path::new(&file).is_file()),
            features: package.features.keys().filter(|name| *name != "default").cloned().collect(),
            has_default: package.features.get("default").is_some_and(|enabled| !enabled.is_empty()),
            dependencies: dependencies.collect(),
            description: package.description,
            licence: package.license,
        }
    }
}

impl Member {
    pub(crate) fn has_features(&self) -> bool {
        !self.features.is_empty()
    }
}

#[cfg(test)]
impl Member {
    /// A made-up crate, with dependencies like `serde cred-path:dev`.
    pub(crate) fn made_up(name: &str, dependencies: &str) -> Self {
        let dependency =
            |word: &str| Dependency { name: word.trim_end_matches(":dev").into(), for_tests: word.ends_with(":dev") };
        Self {
            name: name.into(),
            directory: format!("crates/{name}/"),
            description: Some("made up".into()),
            licence: Some("MIT".into()),
            has_readme: true,
            features: Vec::new(),
            has_default: false,
            dependencies: dependencies.split_whitespace().map(dependency).collect(),
        }
    }
}
