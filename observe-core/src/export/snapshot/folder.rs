//! The folder that snapshots lie in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Reason, SnapshotLimits};

/// How the names of snapshots begin.
const PREFIX: &str = "snapshot-";

/// What stands in front of the name of one that is being written.
const UNFINISHED: char = '.';

/// How the name of one ends that follows one that had to be hurried.
pub(super) const AGAIN: &str = "-again";

/// One that was begun so long ago is of a process that is gone.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Holds a bounded number of snapshots, each a folder of its own that is there at once or not at all.
pub(super) struct Folder {
    path: PathBuf,
    limits: SnapshotLimits,
}

/// A snapshot that is being written: gone when it is dropped before it is [finished](Self::finish).
pub(super) struct Unfinished {
    path: PathBuf,
    finished: PathBuf,
}

impl Folder {
    /// Makes the folder, for this user only, unless it is there.
    pub(super) fn open(path: PathBuf, limits: SnapshotLimits) -> io::Result<Self> {
        let mut builder = private();
        builder.recursive(true).create(&path)?;
        Ok(Self { path, limits })
    }

    /// Where a snapshot of this time, reason and random number comes to lie.
    pub(super) fn place(&self, time: &[u8], reason: &str, random: &[u8]) -> PathBuf {
        let digits: String =
            time.iter().take_while(|byte| **byte != b'.').map(|byte| char::from(*byte)).collect();
        let random = std::str::from_utf8(random).unwrap_or_default();
        self.path.join(format!("{PREFIX}{}Z-{reason}-{random}", digits.replace(['-', ':'], "")))
    }

    /// Begins to write one.
    pub(super) fn begin(&self, finished: &Path) -> io::Result<Unfinished> {
        let name = finished.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.path.join(format!("{UNFINISHED}{name}"));
        private().create(&path)?;
        Ok(Unfinished { path, finished: finished.to_owned() })
    }

    /// Deletes the oldest, as many as are too many, and what was abandoned. `newest` stays in any case, whatever its name
    /// says: the clock may have been set back.
    pub(super) fn prune(&self, newest: &Path) -> io::Result<()> {
        let newest = newest.file_name();
        let mut finished = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_newest = Some(&*name) == newest;
            let Some(name) = name.to_str() else { continue };
            // Not of what a link points to.
            let is_folder = entry.file_type()?.is_dir();
            if is_folder && is_ours(name) {
                finished.push((is_newest, name.to_owned(), size(&entry.path())?));
            } else if is_folder && name.strip_prefix(UNFINISHED).is_some_and(is_ours) {
                let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
                if age >= ABANDONED_AFTER {
                    fs::remove_dir_all(entry.path())?;
                }
            }
        }
        // By their time: it comes first in their names.
        finished.sort();
        let (mut count, mut bytes) = (0, 0);
        for (_, name, size) in finished.iter().rev() {
            count += 1;
            bytes += size;
            if count > 1 && (count > self.limits.count || bytes > self.limits.bytes) {
                fs::remove_dir_all(self.path.join(name))?;
            }
        }
        Ok(())
    }
}

impl Unfinished {
    /// Makes a file in it.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.path.join(name))
    }

    /// Gives it its name.
    pub(super) fn finish(self) -> io::Result<()> {
        fs::rename(&self.path, &self.finished)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Of one that is finished there is nothing of this name.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Whether a name is one that [`Folder::place`] makes: what others put beside snapshots is not ours to delete.
fn is_ours(name: &str) -> bool {
    let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    let Some((time, (reason, random))) = parts.and_then(|(time, rest)| Some((time, rest.split_once('-')?)))
    else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time =
        |(date, time): (&str, &str)| date.len() == 8 && time.len() == 6 && digits(date) && digits(time);
    let random = random.strip_suffix(AGAIN).unwrap_or(random);
    time.strip_suffix('Z').and_then(|time| time.split_once('T')).is_some_and(is_time)
        && Reason::ALL.iter().any(|known| known.as_str() == reason)
        && random.len() == 16
        && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes folders that only this user may look into.
fn private() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: the newest by its name deleted for the one that was just written; none deleted.
    #[test]
    fn what_was_just_written_stays_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let limits = SnapshotLimits { count: 2, ..SnapshotLimits::default() };
        let folder = Folder::open(folder.path().to_owned(), limits).unwrap();
        let write = |time: &str, random: &str| {
            let place = folder.place(time.as_bytes(), "call", random.repeat(16).as_bytes());
            folder.begin(&place).unwrap().finish().unwrap();
            folder.prune(&place).unwrap();
            place
        };
        let oldest = write("2026-01-01T09:00:00.000Z", "b");
        let later = write("2026-01-01T10:00:00.000Z", "b");
        let same_second = write("2026-01-01T10:00:00.000Z", "a");
        assert_eq!([&oldest, &later, &same_second].map(|place| place.exists()), [false, true, true]);
        let set_back = write("2026-01-01T08:00:00.000Z", "a");
        assert_eq!([&later, &same_second, &set_back].map(|place| place.exists()), [true, false, true]);
    }

    // Mutation caught: whatever begins like a snapshot taken for one.
    #[test]
    fn what_others_put_beside_snapshots_stays() {
        let folder = tempfile::tempdir().unwrap();
        let others =
            ["snapshot-2025-database", "snapshot-1", "snapshot-20260101T100000Z-call-short", "snapshot-"];
        for name in others {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let limits = SnapshotLimits { count: 1, ..SnapshotLimits::default() };
        let ours = Folder::open(folder.path().to_owned(), limits).unwrap();
        for time in ["2026-01-01T10:00:00.000Z", "2026-01-01T10:00:01.000Z"] {
            for (reason, again) in [("call", ""), ("panic", AGAIN)] {
                let mut place = ours.place(time.as_bytes(), reason, b"0123456789abcdef").into_os_string();
                place.push(again);
                ours.begin(Path::new(&place)).unwrap().finish().unwrap();
                ours.prune(Path::new(&place)).unwrap();
            }
        }
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 1);
    }
}
