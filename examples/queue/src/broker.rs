//! A broker in this process. Its messages are as those of lapin or rdkafka: a body of bytes, headers of bytes.

use observe_core::context::{Extract, Inject};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// How many messages wait for whoever works on them.
const ROOM: usize = 64;

/// A topic, and what is done with it: names of operations, and so of the code's making.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) send: &'static str,
    pub(crate) process: &'static str,
}

pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Any type can carry a context: this is all that it takes.
#[derive(Default)]
pub(crate) struct Headers(Vec<(String, Vec<u8>)>);

impl Extract for Headers {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.0 {
            offer(name, value);
        }
    }
}

impl Inject for Headers {
    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), value.as_bytes().to_vec()));
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }
}

pub(crate) fn open() -> (Sender<Message>, Receiver<Message>) {
    mpsc::channel(ROOM)
}
