//! Customers whose times are taken.

use processes::{ask, send};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many come at once, and what each does between two orders.
const CUSTOMERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(40);
const ORDER: &str = "{\"item\":\"tea\",\"quantity\":1,\"method\":\"card\",\"customer\":\"soak\"}";

/// Those who come, until they are to end.
pub(crate) struct Customers {
    times: Arc<Mutex<Vec<Duration>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Customers {
    pub(crate) fn start(checkout: SocketAddr) -> Self {
        let (times, over) = (Arc::<Mutex<Vec<Duration>>>::default(), Arc::<AtomicBool>::default());
        let threads = (0..CUSTOMERS)
            .map(|_| {
                let (times, over) = (Arc::clone(&times), Arc::clone(&over));
                thread::spawn(move || buy(checkout, &times, &over))
            })
            .collect();
        Self { times, over, threads }
    }

    /// How long the orders took that were answered since this was asked last; of those that failed it is not asked.
    pub(crate) fn times(&self) -> Vec<Duration> {
        std::mem::take(&mut self.times.lock().unwrap())
    }

    pub(crate) fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn buy(checkout: SocketAddr, times: &Mutex<Vec<Duration>>, over: &AtomicBool) {
    let mut number = 0_u64;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let start = Instant::now();
        if number.is_multiple_of(20) {
            // One that leaves before it is answered.
            drop(send(checkout, "POST", "/charge", "", ORDER));
        } else if ask(checkout, "POST", "/charge", "", ORDER).is_some_and(|answer| answer.status == 201) {
            times.lock().unwrap().push(start.elapsed());
        }
        thread::sleep(PAUSE);
    }
}
