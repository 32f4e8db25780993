//! What is obeyed later than it came: each piece of work at its time, whether or not somebody still waits for the
//! answer. A real system does not forget a request because the client has gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::server::App;

/// Work and when it is due.
pub(super) struct Job {
    pub(super) due: Instant,
    pub(super) work: Box<dyn FnOnce(&App) + Send>,
}

/// Does the work until nobody can hand in any more, then what is left at once: a system that is shut down in
/// order ends what it has taken in.
pub(super) async fn attend(app: Arc<App>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut waiting: BTreeMap<(Instant, u64), Job> = BTreeMap::new();
    let mut count = 0;
    let mut stopped = app.stopped();
    loop {
        let next = waiting.first_key_value().map(|((due, _), _)| *due);
        let due = async {
            match next {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // An error means that the sandbox is gone: as good as stopped.
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(job) = jobs.recv() => {
                count += 1;
                waiting.insert((job.due, count), job);
            }
            () = due => {
                if let Some((_, job)) = waiting.pop_first() {
                    (job.work)(&app);
                }
            }
        }
    }
    for (_, job) in waiting {
        (job.work)(&app);
    }
    while let Ok(job) = jobs.try_recv() {
        (job.work)(&app);
    }
}
