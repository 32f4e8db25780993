//! A sandbox, a connector that is signed in to it, and a ticket.

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::recorder::Recorder;
use super::*;
use crate::systems::http::{Request, Settings, Transport};
use crate::systems::testing::performed;

/// A signed-in system with a ticket.
pub(super) struct Desk {
    pub(super) sandbox: Sandbox,
    /// Between the two.
    pub(super) recorder: Recorder,
    pub(super) system: Arc<dyn System>,
    pub(super) schema: Box<dyn Schema>,
    pub(super) snapshot: Snapshot,
    pub(super) ticket: Ticket,
    pub(super) name: SystemName,
}

impl Desk {
    pub(super) async fn open(config: Config, name: SystemName, dialect: Option<Dialect>) -> Self {
        let sandbox = start(config).await;
        let target = sandbox.ready_line()[name.as_str()].clone();
        let recorder = Recorder::start(name, target.as_str().unwrap()).await;
        let settled = Connection {
            dialect,
            timeout: Duration::from_secs(2),
            url: Some(recorder.url.clone()),
            ..profile(&sandbox, name)
        };
        let system = sign_in(settled).await.unwrap();
        let snapshot = system
            .load_directory(Needs::ALL, &Free::default(), &|_, _, _| {})
            .await
            .unwrap();
        let schema = schema_for(&snapshot).unwrap();
        let steps = [StepPayload {
            step: CREATE.into(),
            ordinal: 0,
            body: plain_create(schema.as_ref(), &snapshot),
        }];
        let ticket = send(system.as_ref(), &steps).await;
        Self {
            sandbox,
            recorder,
            system,
            schema,
            snapshot,
            ticket,
            name,
        }
    }

    pub(super) async fn incidentiq(temper: Temper) -> Self {
        let config = Config {
            temper,
            ..Config::default()
        };
        Self::open(config, SystemName::IncidentIq, None).await
    }

    /// A value for a field of an operation.
    pub(super) fn value(&self, operation: Operation, name: &str, value: Value) -> FieldValue {
        let field = self.schema.fields(operation).unwrap().get(name);
        FieldValue {
            target: Target::Field(field.expect("a field").clone()),
            value,
        }
    }

    pub(super) fn compose(
        &self,
        operation: Operation,
        given: &[(&str, Value)],
    ) -> Vec<StepPayload> {
        let values = given
            .iter()
            .map(|(name, value)| self.value(operation, name, value.clone()));
        self.schema
            .compose(operation, values.collect(), false)
            .unwrap()
    }

    pub(super) async fn perform(&self, step: &StepPayload, id: u128) -> Outcome {
        performed(self.system.as_ref(), self.call(step, id))
            .await
            .outcome
    }

    pub(super) fn call<'a>(&'a self, step: &'a StepPayload, id: u128) -> Call<'a> {
        Call {
            step: &step.step,
            ticket: Some(&self.ticket),
            body: &step.body,
            id: Uuid::from_u128(0x5f0c_3d1e_7b52_5a0e_9d0c_0c5a_0000_0000 | id),
            old_id: Uuid::nil(),
        }
    }

    /// Does an operation, every step of it, and reads the ticket.
    pub(super) async fn does(&self, operation: Operation, given: &[(&str, Value)]) -> Value {
        for (id, step) in (1..).zip(self.compose(operation, given)) {
            let outcome = self.perform(&step, id).await;
            assert_eq!(
                outcome,
                Outcome::Done(self.ticket.clone()),
                "{operation} {}: {}",
                step.step,
                step.body
            );
        }
        self.read().await
    }

    /// The ticket as the system shows it to anybody.
    pub(super) async fn read(&self) -> Value {
        let path = match self.name {
            SystemName::IncidentIq => format!("/api/v1.0/tickets/{}", self.ticket.id),
            SystemName::ClearFeed => {
                let base = match self.system.account().dialect {
                    Dialect::Rest => "/v1/rest",
                    _ => "/v1",
                };
                format!("{base}/requests/{}", self.ticket.id)
            }
        };
        let body = self.raw(Method::GET, self.name.as_str(), &path, None).await;
        body.get("Item").cloned().unwrap_or(body)
    }

    pub(super) async fn raw(
        &self,
        method: Method,
        root: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        let base = Url::parse(self.sandbox.ready_line()[root].as_str().unwrap()).unwrap();
        let transport = Transport::new(Settings {
            base,
            token: &SecretString::from("sandbox"),
            headers: HeaderMap::new(),
            concurrency: 1,
            timeout: Duration::from_secs(5),
            insecure_http: false,
            route: &Route::default(),
        })
        .unwrap();
        let request = Request {
            body,
            ..Request::new(method, path)
        };
        let answer = transport.send(&request).await.unwrap();
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.json().unwrap()
    }

    /// The next request of that kind meets a fault.
    pub(super) async fn script(&self, operation: &str, fault: &str) {
        let script = json!({"operation": operation, "fault": fault});
        self.raw(Method::POST, "admin", "/faults", Some(&script))
            .await;
    }

    pub(super) fn id(&self, kind: Kind, name: &str) -> Value {
        json!(id(&self.snapshot, kind, name))
    }

    pub(super) fn first(&self, kind: Kind) -> Value {
        json!(self.snapshot.kinds[&kind].entries[0].id)
    }
}
