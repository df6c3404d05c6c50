//! Whose telemetry it is: the resource's attributes.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::{env, fs, process};

use crate::context::TraceId;
use crate::fields::Typed;
use crate::semconv::{log, otel};

/// Attributes in order, no name twice: the first that says one counts.
#[derive(Default)]
pub(crate) struct Attributes(Vec<(Cow<'static, str>, Typed<'static>)>);

/// The process's, wherever it is told.
static INSTANCE: OnceLock<String> = OnceLock::new();

impl Attributes {
    /// Those of a service, and what the process knows of itself.
    pub(crate) fn of(service: &str, version: &str) -> Self {
        let mut attributes = Self::default();
        attributes.name(service, version);
        attributes.detect();
        attributes
    }

    /// Adds the service's name and, if it has one, its version.
    pub(crate) fn name(&mut self, service: &str, version: &str) {
        self.add(log::SERVICE_NAME, service.to_owned());
        if !version.is_empty() {
            self.add(log::SERVICE_VERSION, version.to_owned());
        }
    }

    /// Adds one, unless it is there.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) {
        self.put(name.into(), Typed::Str(value.into()));
    }

    /// Adds what the process knows of itself.
    pub(crate) fn detect(&mut self) {
        self.add(otel::SERVICE_INSTANCE_ID, INSTANCE.get_or_init(instance_id).as_str());
        if let Some(name) = host_name() {
            self.add(otel::HOST_NAME, name);
        }
        self.add(
            otel::HOST_ARCH,
            match env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                "arm" => "arm32",
                "powerpc" => "ppc32",
                "powerpc64" => "ppc64",
                other => other,
            },
        );
        self.add(
            otel::OS_TYPE,
            match env::consts::OS {
                "macos" => "darwin",
                other => other,
            },
        );
        self.put(otel::PROCESS_PID.into(), Typed::I64(process::id().into()));
        if let Ok(path) = env::current_exe() {
            if let Some(name) = path.file_name() {
                self.add(otel::PROCESS_EXECUTABLE_NAME, name.to_string_lossy().into_owned());
            }
            self.add(otel::PROCESS_EXECUTABLE_PATH, path.to_string_lossy().into_owned());
        }
        self.add(otel::PROCESS_RUNTIME_NAME, "rust");
        if let Some(id) = container_id() {
            self.add(otel::CONTAINER_ID, id);
        }
        self.add(otel::TELEMETRY_SDK_NAME, "observe");
        self.add(otel::TELEMETRY_SDK_LANGUAGE, "rust");
        self.add(otel::TELEMETRY_SDK_VERSION, env!("CARGO_PKG_VERSION"));
    }

    fn put(&mut self, name: Cow<'static, str>, value: Typed<'static>) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value));
        }
    }

    /// They all, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Typed<'_>)> {
        self.0.iter().map(|(name, value)| (Cow::Borrowed(name.as_ref()), value.clone()))
    }

    #[cfg(test)]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| match value {
            Typed::Str(text) => text.as_ref(),
            _ => "",
        })
    }
}

/// The name of this executable, for a service that has none.
#[cfg(feature = "otlp")]
pub(crate) fn unknown_service() -> String {
    let path = env::current_exe().ok();
    let name =
        path.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}

/// A random UUID (RFC 9562, version 4), as the semantic conventions ask for.
fn instance_id() -> String {
    let bits = u128::from_be_bytes(TraceId::random().to_bytes());
    let bits = bits & !(0xF << 76) | 0x4 << 76;
    let digits = format!("{:032x}", bits & !(0x3 << 62) | 0x2 << 62);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    parts.join("-")
}

fn host_name() -> Option<String> {
    let name =
        fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    name.ok().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The container's id, by what Linux tells of the process's groups and mounts.
fn container_id() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    container_of(&groups, &mounts)
}

/// Under version 1 the path of a group ends in the id, perhaps between `docker-` and `.scope`. Under version 2 the
/// container's host name is a file that was mounted from a folder with that name.
fn container_of(groups: &str, mounts: &str) -> Option<String> {
    let is_id = |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of_groups = groups.lines().filter_map(|line| {
        let last = line.rsplit('/').next()?;
        let last = last.strip_suffix(".scope").unwrap_or(last);
        last.rsplit(['-', ':']).next()
    });
    let of_mounts =
        mounts.lines().filter(|line| line.contains("/hostname ")).flat_map(|line| line.split('/'));
    of_groups.chain(of_mounts).find(is_id).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: an id that is not of version 4, or the same twice.
    #[test]
    fn an_instance_has_a_random_uuid() {
        let id = instance_id();
        let lens: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lens, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(id, instance_id());
    }

    // Mutation caught: what stands first, the detected or a later word, made to count last.
    #[test]
    fn the_first_word_counts() {
        let mut attributes = Attributes::default();
        attributes.add("host.name", "mine");
        attributes.detect();
        assert_eq!(attributes.text("host.name"), Some("mine"));
        assert_eq!(attributes.text("process.runtime.name"), Some("rust"));
        assert_eq!(attributes.iter().filter(|(name, _)| name == "host.name").count(), 1);
    }

    // Mutation caught: any folder's name taken for an id.
    #[test]
    fn a_container_is_known_by_its_id() {
        let id = "0123456789abcdef".repeat(4);
        let found = |groups: &str, mounts: &str| container_of(groups, mounts);
        let some = Some(id.clone());
        assert_eq!(found(&format!("12:cpu:/docker/{id}\n"), ""), some);
        assert_eq!(found(&format!("0::/system.slice/docker-{id}.scope\n"), ""), some);
        assert_eq!(found(&format!("0::/kubepods/pod1/cri-containerd:{id}\n"), ""), some);
        let mount =
            format!("1 2 0:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/a rw\n");
        assert_eq!(found("0::/\n", &mount), some);
        assert_eq!(found("0::/user.slice\n", "1 2 0:1 / / rw - ext4 /dev/a rw\n"), None);
        assert_eq!(found("", &mount.replace("/hostname", "/else")), None);
    }
}
