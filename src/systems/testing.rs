//! What the tests of the systems share.

pub(crate) mod desk;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use super::http::route::Route;
use super::{Answered, Call, Connection, Outcome, Permit, System, SystemName, Way};

/// Lets every request go at once and keeps the pauses that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Free {
    pub(crate) pauses: Mutex<Vec<Option<Duration>>>,
}

#[async_trait]
impl Permit for Free {
    async fn permit(&self) {}

    fn pause(&self, duration: Option<Duration>) {
        self.pauses.lock().unwrap().push(duration);
    }

    fn spent(&self, duration: Duration) {
        self.pauses.lock().unwrap().push(Some(duration));
    }
}

/// Performs a call to its end, whatever it takes.
pub(crate) async fn performed(system: &dyn System, call: Call<'_>) -> Answered {
    let mut way = Way::default();
    loop {
        let answered = system.perform(call, &mut way).await;
        if answered.outcome != Outcome::Further {
            return answered;
        }
    }
}

/// A profile for an address.
pub(crate) fn connection(system: SystemName, url: &str) -> Connection {
    Connection {
        system,
        url: Some(Url::parse(url).unwrap()),
        site_id: None,
        tenant: None,
        dialect: None,
        answered_before: None,
        token: SecretString::from("sandbox"),
        timezone: None,
        timezone_first: false,
        concurrency: 4,
        insecure_http: false,
        timeout: Duration::from_secs(5),
        route: Route::default(),
        retention: None,
    }
}
