//! Where the process's cgroup is.

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use procfs::process::MountInfos;
use procfs::{FromRead, ProcessCGroups};

use super::files::Files;

const WHAT: &str = "the cgroup";
const CGROUP: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";

/// The folder of the process's cgroup, which may change; where the cgroups are mounted is asked once.
#[derive(Default)]
pub(super) struct Place {
    mounts: OnceLock<Vec<Mount>>,
}

struct Mount {
    point: PathBuf,
    /// Which cgroup is seen there.
    root: String,
}

impl Place {
    /// The folder of the process's cgroup, of version 2. `None`, which is told: there is none, or it is the root, whose
    /// figures are the machine's and which has no limits.
    pub(super) fn of_process(&self, files: &Files) -> Option<PathBuf> {
        let groups = files.read(CGROUP, |path| ProcessCGroups::from_file(path))?;
        let Some(group) = groups.0.into_iter().find(|group| group.hierarchy == 0) else {
            files.miss(WHAT, &"the process is in none of version 2");
            return None;
        };
        let mounts = self.mounts(files)?;
        let folder =
            mounts.iter().find_map(|mount| Some(mount.point.join(below(&group.pathname, &mount.root)?)));
        let Some(folder) = folder else {
            files.miss(WHAT, &"its file system is not mounted here");
            return None;
        };
        let folder = files.at(folder);
        // Every cgroup has this file but the root.
        if !folder.join("cgroup.type").exists() {
            files.miss(WHAT, &"the process is in the root, which is the machine");
            return None;
        }
        Some(folder)
    }

    fn mounts(&self, files: &Files) -> Option<&[Mount]> {
        if self.mounts.get().is_none() {
            let all = files.read(MOUNTS, |path| MountInfos::from_file(path))?;
            let of_groups = all.into_iter().filter(|mount| mount.fs_type == "cgroup2");
            let mounts =
                of_groups.map(|mount| Mount { point: mount.mount_point, root: mount.root }).collect();
            let _ = self.mounts.set(mounts);
        }
        self.mounts.get().map(Vec::as_slice)
    }
}

/// A cgroup's path, relative to what is mounted.
fn below(group: &str, mounted: &str) -> Option<PathBuf> {
    let group = Path::new(group);
    // In a namespace of its own the container's cgroup is `/` for both; without one the mount may show a part only.
    let relative = group.strip_prefix(mounted).or_else(|_| group.strip_prefix("/")).ok()?;
    relative.components().all(|part| matches!(part, Component::Normal(_))).then(|| relative.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: a group outside of the namespace (`/../x`) looked for above the mount.
    #[test]
    fn a_group_is_below_its_mount() {
        assert_eq!(below("/", "/"), Some(PathBuf::new()));
        assert_eq!(below("/a/b.service", "/"), Some(PathBuf::from("a/b.service")));
        assert_eq!(below("/docker/17/inner", "/docker/17"), Some(PathBuf::from("inner")));
        assert_eq!(below("/docker/17", "/docker/17"), Some(PathBuf::new()));
        assert_eq!(below("/../other", "/"), None);
        assert_eq!(below("", "/"), None);
    }
}
