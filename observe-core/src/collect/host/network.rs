//! Network interfaces.

use procfs::FromRead;
use procfs::net::{DeviceStatus, InterfaceDeviceStatus};

use super::super::files::Files;
use crate::registry::Collect;
use crate::semconv::host as names;

/// How many interfaces are shown.
const MAX_INTERFACES: usize = 32;

/// How interfaces begin that are the machine's end of a container's: one of each, and they come and go.
const OF_CONTAINERS: [&str; 4] = ["cali", "lxc", "tap", "veth"];

pub(super) fn collect(files: &Files, out: &mut Collect<'_>) {
    let read = files.read("/proc/net/dev", |path| InterfaceDeviceStatus::from_file(path));
    let Some(InterfaceDeviceStatus(found)) = read else { return };
    let is_shown = |status: &DeviceStatus| !OF_CONTAINERS.iter().any(|kind| status.name.starts_with(kind));
    let mut shown: Vec<DeviceStatus> = found.into_values().filter(is_shown).collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    for status in shown.iter().take(MAX_INTERFACES) {
        interface(status, out);
    }
    if shown.len() > MAX_INTERFACES {
        files.miss("further network interfaces", &"32 are shown");
    }
}

fn interface(status: &DeviceStatus, out: &mut Collect<'_>) {
    let directions = [
        ("receive", status.recv_bytes, status.recv_errs, status.recv_drop),
        ("transmit", status.sent_bytes, status.sent_errs, status.sent_drop),
    ];
    for (direction, bytes, errors, dropped) in directions {
        let labels =
            [(names::NETWORK_INTERFACE, status.name.as_str()), (names::NETWORK_DIRECTION, direction)];
        let help = "Bytes that an interface received, and sent.";
        out.counter(names::NETWORK_IO_BYTES_TOTAL, help, &labels, bytes);
        out.counter(names::NETWORK_ERRORS_TOTAL, "Errors of an interface.", &labels, errors);
        let help = "Packets that an interface dropped.";
        out.counter(names::NETWORK_PACKET_DROPPED_TOTAL, help, &labels, dropped);
    }
}
