//! Standard output and standard error that are closed, stand still, or are gone with everything else.

use crate::processes::{Place, count, lines, redirected, service};
use std::io::Read as _;
use std::process::Stdio;

/// More than one batch, less than a queue.
const LINES: u64 = 4_000;

// Mutation caught: a line that is written to a closed descriptor counted as written, which the standard library says it is.
#[test]
fn an_output_that_cannot_be_written_loses_counted_lines_and_nothing_else() {
    // By a descriptor that is open for reading only the system says what it says of one that is closed.
    for (mode, redirection) in [("stdout", "1</dev/null"), ("stderr", "2</dev/null")] {
        let place = Place::new();
        assert!(redirected(redirection, mode, &place, LINES).status().unwrap().success(), "{mode}");
        let report = place.report();
        // And the one of the start.
        assert_eq!((report.dropped("write_error"), report.written()), (LINES + 1, 0), "{mode}: {report:?}");
        assert!(report.ended.contains("failed"), "{mode}: {report:?}");
    }
}

// Closed before the start it is opened again, by the standard library, as what takes everything: so nothing of the program's
// own is taken for it. Mutation caught: a start that fails.
#[test]
fn an_output_that_is_closed_before_the_start_is_the_null_device() {
    for (mode, redirection) in [("stdout", ">&-"), ("stderr", "2>&-")] {
        let place = Place::new();
        assert!(redirected(redirection, mode, &place, LINES).status().unwrap().success(), "{mode}");
        let report = place.report();
        let came = (report.written(), report.dropped("write_error"), report.ended.as_str());
        assert_eq!(came, (LINES + 1, 0, "ok"), "{mode}");
    }
}

// Mutation caught: lines that are counted as written though standard output was closed meanwhile.
#[test]
fn an_output_that_is_closed_meanwhile_has_what_came_before_and_the_rest_is_counted() {
    let place = Place::new();
    let output = service("close", &place).arg(LINES.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let written = count(&lines(&output.stdout), "a line");
    assert_eq!((written, place.report().dropped("write_error")), (LINES / 2, LINES / 2));
}

// Mutation caught: lines that are lost for want of a descriptor (each batch is written by one of its own).
#[test]
fn a_process_without_descriptors_logs_as_before() {
    let place = Place::new();
    let output = service("exhaust", &place).arg(LINES.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(count(&lines(&output.stdout), "a line"), LINES);
    assert_eq!(place.report().dropped("write_error"), 0);
}

// Nobody reads until the process has ended. Mutations caught: a shutdown that waits for a reader; one that does not say how
// many are left; a line that is neither in the pipe, nor told to be left, nor counted.
#[test]
fn a_pipe_that_nobody_reads_does_not_keep_a_process() {
    const STORM: u64 = 20_000;
    let place = Place::new();
    let mut process =
        service("hurried", &place).arg(STORM.to_string()).stdout(Stdio::piped()).spawn().unwrap();
    assert!(process.wait().unwrap().success());
    let report = place.report();
    let mut text = Vec::new();
    process.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    // What is left when a process ends is lost with it; where it stops, it stops in the middle of a line.
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = lines(&text[..end]);
    let written = lines.iter().filter(|line| line["dropped"].is_null()).count() as u64;
    let (full, left) = (report.dropped("queue_full"), report.sum("observe_queue_length"));
    assert!(full > 0 && report.ended.contains(&format!("{left} are left")), "{report:?}");
    // With the one of the start.
    assert_eq!(report.written() + full + left, STORM + 1, "{report:?}");
    // Of those that are left some are in the pipe: the write that stands still took them.
    assert!((report.written()..=report.written() + left).contains(&written), "{written} {report:?}");
}

// Mutation caught: a flush that waits for nothing.
#[test]
fn an_abort_costs_what_was_not_waited_for() {
    let output = service("abort", &Place::new()).arg(LINES.to_string()).output().unwrap();
    assert!(!output.status.success());
    let numbers: Vec<u64> = lines(&output.stdout).iter().filter_map(|line| line["n"].as_u64()).collect();
    // What is there of the last ten is their beginning.
    let expected: Vec<u64> = (0..LINES).chain(0..10).take(numbers.len()).collect();
    assert!(numbers.len() as u64 >= LINES && numbers == expected, "{numbers:?}");
}

// Mutation caught: a flush that waits for nothing.
#[test]
fn a_process_that_never_asks_for_an_end_has_what_it_flushed() {
    let output = service("exit", &Place::new()).arg(LINES.to_string()).output().unwrap();
    assert_eq!((output.status.code(), count(&lines(&output.stdout), "a line")), (Some(3), LINES));
}

// Mutation caught: what a thread keeps for itself asked for by `with`, which panics when it is gone.
#[test]
fn what_a_thread_says_as_it_ends_is_written() {
    let place = Place::new();
    let output = service("thread", &place).arg(LINES.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let (report, written) = (place.report(), count(&lines(&output.stdout), "a line"));
    assert_eq!((written + report.dropped("queue_full"), report.ended.as_str()), (2 * LINES, "ok"));
}
