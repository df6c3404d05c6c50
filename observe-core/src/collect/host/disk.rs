//! File systems and disks.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use procfs::process::{MountInfo, MountInfos};
use procfs::{DiskStat, DiskStats, FromRead};

use super::super::files::Files;
use crate::registry::Collect;
use crate::semconv::host as names;

/// How many file systems are shown.
const MAX_FILESYSTEMS: usize = 32;
/// How many disks are shown.
const MAX_DISKS: usize = 32;

/// Kinds of file systems whose space is asked for. All are local: of one whose server is gone the answer may never come.
const LOCAL: [&str; 14] = [
    "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "reiserfs",
    "vfat", "xfs", "zfs",
];

/// What `/proc/diskstats` counts in, whatever a device's own sectors are.
const SECTOR_BYTES: u64 = 512;

pub(super) fn collect(files: &Files, out: &mut Collect<'_>) {
    filesystems(files, out);
    disks(files, out);
}

fn filesystems(files: &Files, out: &mut Collect<'_>) {
    let Some(mounts) = files.read("/proc/self/mountinfo", |path| MountInfos::from_file(path)) else { return };
    let mut seen = BTreeSet::new();
    let mut shown = 0;
    for mount in mounts {
        // One file system that is mounted at several places has one space: that of the first.
        if !LOCAL.contains(&mount.fs_type.as_str()) || !seen.insert(mount.majmin.clone()) {
            continue;
        }
        if shown >= MAX_FILESYSTEMS {
            files.miss("further file systems", &"32 are shown");
            break;
        }
        shown += usize::from(filesystem(files, &mount, out));
    }
}

/// Says the space of one, if it can be asked for.
fn filesystem(files: &Files, mount: &MountInfo, out: &mut Collect<'_>) -> bool {
    let asked = files.read_at("some file systems", &files.at(&mount.mount_point), |path| {
        rustix::fs::statvfs(path).map_err(io::Error::from)
    });
    let Some(space) = asked.filter(|space| space.f_blocks > 0) else { return false };
    let mountpoint = mount.mount_point.to_string_lossy();
    let labels = [
        (names::DEVICE, mount.mount_source.as_deref().unwrap_or_default()),
        (names::FILESYSTEM_MOUNTPOINT, &*mountpoint),
        (names::FILESYSTEM_TYPE, mount.fs_type.as_str()),
    ];
    let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
    out.gauge(names::FILESYSTEM_LIMIT_BYTES, "Size of a file system.", &labels, bytes(space.f_blocks));
    let states = [
        ("used", space.f_blocks.saturating_sub(space.f_bfree)),
        ("free", space.f_bavail),
        // For the superuser only.
        ("reserved", space.f_bfree.saturating_sub(space.f_bavail)),
    ];
    for (state, blocks) in states {
        let [device, mountpoint, kind] = labels;
        let labels = [device, mountpoint, kind, (names::FILESYSTEM_STATE, state)];
        let help = "Space of a file system, by what it is used for.";
        out.gauge(names::FILESYSTEM_USAGE_BYTES, help, &labels, bytes(blocks));
    }
    true
}

fn disks(files: &Files, out: &mut Collect<'_>) {
    let Some(stats) = files.read("/proc/diskstats", |path| DiskStats::from_file(path)) else { return };
    // Of all block devices, partitions among them, the whole ones.
    let whole = files.read("/sys/block", |folder| {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<BTreeSet<_>>>()
    });
    let Some(whole) = whole else { return };
    let is_shown = |stat: &&DiskStat| {
        let is_memory = ["loop", "ram", "zram"].iter().any(|kind| stat.name.starts_with(kind));
        !is_memory && whole.contains(stat.name.as_str().as_ref() as &std::ffi::OsStr)
    };
    let shown: Vec<&DiskStat> = stats.0.iter().filter(is_shown).collect();
    for stat in shown.iter().take(MAX_DISKS) {
        disk(stat, out);
    }
    if shown.len() > MAX_DISKS {
        files.miss("further disks", &"32 are shown");
    }
}

fn disk(stat: &DiskStat, out: &mut Collect<'_>) {
    let seconds = |millis: u64| millis as f64 / 1e3;
    let device = (names::DEVICE, stat.name.as_str());
    let directions = [
        ("read", stat.sectors_read, stat.reads, stat.time_reading),
        ("write", stat.sectors_written, stat.writes, stat.time_writing),
    ];
    for (direction, sectors, operations, millis) in directions {
        let labels = [device, (names::DISK_DIRECTION, direction)];
        let bytes = sectors.saturating_mul(SECTOR_BYTES);
        out.counter(names::DISK_IO_BYTES_TOTAL, "Bytes read from a disk, and written.", &labels, bytes);
        out.counter(names::DISK_OPERATIONS_TOTAL, "Reads and writes of a disk.", &labels, operations);
        let help = "How long reads and writes of a disk took, all together.";
        out.counter(names::DISK_OPERATION_TIME_SECONDS_TOTAL, help, &labels, seconds(millis));
    }
    let help = "How long a disk was busy.";
    out.counter(names::DISK_IO_TIME_SECONDS_TOTAL, help, &[device], seconds(stat.time_in_progress));
    let help = "How long a disk was busy, times how many operations were under way.";
    let weighted = seconds(stat.weighted_time_in_progress);
    out.counter(names::DISK_WEIGHTED_IO_TIME_SECONDS_TOTAL, help, &[device], weighted);
}
