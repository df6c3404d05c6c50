//! Where lines go.

use std::env;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::error::{Error, Kind};

/// Where lines go, before it is opened.
#[derive(Default)]
pub(crate) enum LogOutput {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
    /// The end of this file.
    File(PathBuf),
    /// Somebody else's.
    Writer(Box<dyn Write + Send>),
}

impl LogOutput {
    /// Whether it is a terminal that may be sent colours (<https://no-color.org>).
    pub(crate) fn has_colour(&self) -> bool {
        let is_terminal = match self {
            LogOutput::Stdout => io::stdout().is_terminal(),
            LogOutput::Stderr => io::stderr().is_terminal(),
            LogOutput::File(_) | LogOutput::Writer(_) => false,
        };
        is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// # Errors
    ///
    /// If the file cannot be opened.
    pub(crate) fn open(self) -> Result<Box<dyn Write + Send>, Error> {
        Ok(match self {
            LogOutput::Stdout => stdout(),
            LogOutput::Stderr => stderr(),
            LogOutput::File(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(&path);
                Box::new(opened.map_err(|error| {
                    let text = format!("the log's file `{}` cannot be opened", path.display());
                    Error::new(Kind::Io, text).caused_by(error)
                })?)
            }
            LogOutput::Writer(writer) => writer,
        })
    }
}

impl fmt::Debug for LogOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogOutput::Stdout => "Stdout",
            LogOutput::Stderr => "Stderr",
            LogOutput::File(_) => "File",
            LogOutput::Writer(_) => "Writer",
        })
    }
}

#[cfg(not(unix))]
fn stdout() -> Box<dyn Write + Send> {
    Box::new(io::stdout())
}

#[cfg(not(unix))]
fn stderr() -> Box<dyn Write + Send> {
    Box::new(io::stderr())
}

#[cfg(unix)]
fn stdout() -> Box<dyn Write + Send> {
    Box::new(Direct(io::stdout, io::Stdout::lock))
}

#[cfg(unix)]
fn stderr() -> Box<dyn Write + Send> {
    Box::new(Direct(io::stderr, io::Stderr::lock))
}

/// What the system says of a descriptor that is closed, or that nothing can be written to.
#[cfg(unix)]
const BAD_DESCRIPTOR: i32 = 9;

/// Standard output or error, past what the standard library has for them. Its buffer for output would count as written what
/// it took and cannot write; and to either, what is written when it is closed counts as written. Their lock is held
/// meanwhile, so that no line of ours is in the middle of what `println!` writes.
#[cfg(unix)]
struct Direct<S, L>(fn() -> S, fn(&S) -> L);

#[cfg(unix)]
impl<S: Write, L: Write + std::os::fd::AsFd> Write for Direct<S, L> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Direct(stream, lock) = self;
        let mut locked = lock(&stream());
        // What others have left there comes first. If it cannot be written, neither can this.
        let _ = locked.flush();
        // Each time anew: the program may put something else in its place.
        match locked.as_fd().try_clone_to_owned() {
            Ok(descriptor) => std::fs::File::from(descriptor).write(bytes),
            Err(closed) if closed.raw_os_error() == Some(BAD_DESCRIPTOR) => Err(closed),
            // There is none left.
            Err(_) => locked.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0().flush()
    }
}

/// Lines by way of a `MakeWriter`: a writer for each of them.
#[cfg(feature = "subscriber")]
pub(crate) struct EachLine<M>(pub(crate) M);

#[cfg(feature = "subscriber")]
impl<M> Write for EachLine<M>
where
    M: for<'a> tracing_subscriber::fmt::MakeWriter<'a>,
{
    /// Takes one line, or its beginning if the writer fails in the middle of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut writer = self.0.make_writer();
        let mut written = 0;
        while let Some(rest) = line.get(written..).filter(|rest| !rest.is_empty()) {
            match writer.write(rest) {
                Ok(0) if written == 0 => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if written == 0 => return Err(error),
                Ok(0) | Err(_) => break,
                Ok(count) => written += count.min(rest.len()),
            }
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.make_writer().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: colours for whatever is not standard output.
    #[test]
    fn only_terminals_have_colours() {
        assert!(!LogOutput::File("x".into()).has_colour());
        assert!(!LogOutput::Writer(Box::new(io::stdout())).has_colour());
    }

    // Mutation caught: a file that is emptied when it is opened.
    #[test]
    fn a_file_is_written_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for _ in 0..2 {
            LogOutput::File(path.clone()).open().unwrap().write_all(b"line\n").unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"line\nline\n");
        let refused = LogOutput::File(folder.path().join("none/log")).open().err().unwrap();
        assert!(refused.is_io() && refused.to_string().contains("none/log"), "{refused}");
    }

    #[cfg(feature = "subscriber")]
    mod made {
        use super::*;
        use std::sync::{Arc, Mutex};

        /// What each writer got. One takes so many bytes at a time, and in all no more than it has room for.
        #[derive(Clone, Default)]
        struct Made(Arc<Mutex<Vec<String>>>, usize, usize);

        struct One(Made, usize);

        impl Write for One {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let Made(seen, at_once, room) = &self.0;
                let count = bytes.len().min(*at_once).min(room - self.1);
                if count == 0 {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                self.1 += count;
                seen.lock().unwrap().last_mut().unwrap().push_str(str::from_utf8(&bytes[..count]).unwrap());
                Ok(count)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Made {
            type Writer = One;

            fn make_writer(&'a self) -> One {
                self.0.lock().unwrap().push(String::new());
                One(self.clone(), 0)
            }
        }

        // Mutations caught: a writer for each piece of a line; one for all lines.
        #[test]
        fn each_line_has_a_writer_of_its_own() {
            let made = Made(Arc::default(), 2, usize::MAX);
            EachLine(made.clone()).write_all(b"one\ntwo\n\nno end").unwrap();
            assert_eq!(*made.0.lock().unwrap(), ["one\n", "two\n", "\n", "no end"]);
        }

        // Mutation caught: a failure in the middle told as one at the beginning, or not at all.
        #[test]
        fn what_was_written_of_a_line_is_told() {
            let mut output = EachLine(Made(Arc::default(), 2, 3));
            assert_eq!(output.write(b"lines\n").unwrap(), 3);
            let mut output = EachLine(Made(Arc::default(), 2, 0));
            assert_eq!(output.write(b"lines\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
