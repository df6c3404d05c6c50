//! When to end.

use crate::args::Args;
use observe_core::Telemetry;
use std::io;
use std::time::Duration;
use tokio::sync::watch;

/// Told to everything that has to end, all at once.
#[derive(Clone)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Begins to listen: for Ctrl-C, SIGTERM and the end of `--duration`; a child for the end of its standard
    /// input only. (Ctrl-C reaches children too, while their parent still needs them.)
    ///
    /// Then `/ready` says no, at once. Everything else is told after `--notice`: what load balancers send until they
    /// have learned of it is answered.
    pub(crate) fn listen(args: &Args, telemetry: &Telemetry) -> io::Result<Self> {
        let (tell, told) = watch::channel(false);
        let mut signals = Signals::take()?;
        let (duration, notice, telemetry) = (args.duration, args.notice, telemetry.clone());
        if args.child {
            // Not tokio's: a read that never returns would hold up the end of the runtime.
            std::thread::spawn(move || {
                let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                telemetry.drain(Duration::ZERO);
                tell.send_replace(true);
            });
        } else {
            tokio::spawn(async move {
                tokio::select! {
                    () = signals.next() => {}
                    () = after(duration) => {}
                }
                telemetry.drain_async(notice).await;
                tell.send_replace(true);
            });
        }
        Ok(Self(told))
    }

    /// Returns when it is time to end.
    pub(crate) async fn requested(mut self) {
        // An error means that the sender is gone: that is an end, too.
        let _ = self.0.wait_for(|&told| told).await;
    }
}

async fn after(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// The signals that ask for an end. Once taken, they no longer end the process by themselves.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn take() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn take() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
