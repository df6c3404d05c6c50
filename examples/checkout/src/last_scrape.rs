//! `/metrics` on a listener of its own, which closes last: what the last requests did is seen.

use axum::Router;
use observe_core::Telemetry;
use observe_tower::ScrapeService;
use std::io;
use std::net::TcpListener;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the last page may take on its way.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct LastScrape {
    scrape: ScrapeService,
    close: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl LastScrape {
    /// Serves until [`wait`](LastScrape::wait) has ended.
    pub(crate) fn serve(runtime: &Runtime, listener: TcpListener, telemetry: &Telemetry) -> io::Result<Self> {
        let scrape = ScrapeService::new(telemetry);
        let app = Router::new().route_service("/metrics", scrape.clone());
        listener.set_nonblocking(true)?;
        let _on_the_runtime = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (close, closed) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let closed = async {
                let _ = closed.await;
            };
            axum::serve(listener, app).with_graceful_shutdown(closed).await
        });
        Ok(Self { scrape, close, served })
    }

    /// Waits for one more scrape, not for ever, and closes.
    pub(crate) async fn wait(self, patience: Duration) {
        let _ = timeout(patience, self.scrape.next_scrape()).await;
        let _ = self.close.send(());
        let _ = timeout(PATIENCE, self.served).await;
    }
}
