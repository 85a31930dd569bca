//! `GET /metrics`: what is counted, in the text form that Prometheus reads.
//!
//! On the way of a request there are only additions to atomic numbers; everything else happens when somebody looks.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use kluis_engine::{Engine, Secret};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Dialect;
use crate::app::App;
use crate::caller::bearer;
use crate::gate::{Local, refuse_path};

/// What is counted of one operation.
pub(crate) struct Counts {
    /// The API that it belongs to.
    pub(crate) api: &'static str,
    /// Its name.
    pub(crate) operation: String,
    /// Answers by the first digit of their status, 1 to 5.
    answers: [AtomicU64; 5],
    /// Answers by how long they took: up to each bound of [`BOUNDS`], and longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds that all answers took.
    nanoseconds: AtomicU64,
}

/// What is counted of the server as a whole.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Connections that are open.
    pub(crate) connections: AtomicI64,
    /// Requests that are being answered.
    pub(crate) in_flight: AtomicI64,
    /// Requests whose handling panicked.
    pub(crate) panics: AtomicU64,
}

/// Holds a gauge up by one as long as it lives, so that what ends early is counted out too.
pub(crate) struct Held(Arc<Gauges>, fn(&Gauges) -> &AtomicI64);

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    /// Of the server as a whole.
    pub(crate) gauges: Arc<Gauges>,
}

/// Upper bounds of the latency's buckets, in nanoseconds.
const BOUNDS: [u64; 12] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    250_000_000,
    1_000_000_000,
    5_000_000_000,
];

impl Counts {
    /// Nothing yet.
    pub(crate) fn new(dialect: Option<Dialect>, operation: &str) -> Arc<Self> {
        Arc::new(Self {
            api: dialect.map_or("server", Dialect::name),
            operation: operation.to_owned(),
            answers: Default::default(),
            buckets: Default::default(),
            nanoseconds: AtomicU64::new(0),
        })
    }

    fn labels(&self) -> [(&'static str, &str); 2] {
        [("api", self.api), ("operation", &self.operation)]
    }

    /// An answer with this status, after this time.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        let bucket = BOUNDS
            .iter()
            .position(|bound| nanoseconds <= *bound)
            .unwrap_or(BOUNDS.len());
        if let Some(answers) = self.answers.get(class) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(answers) = self.buckets.get(bucket) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Held {
    /// Raise the gauge that `which` picks.
    pub(crate) fn up(gauges: &Arc<Gauges>, which: fn(&Gauges) -> &AtomicI64) -> Self {
        which(gauges).fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(gauges), which)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Count these, and ask `engine` whether it is sealed.
    pub(crate) fn new(counts: Vec<Arc<Counts>>, engine: Engine) -> Self {
        let gauges = Arc::new(Gauges::default());
        let mut registry = Registry::default();
        let all = Everything {
            counts,
            gauges: Arc::clone(&gauges),
            engine,
        };
        registry.register_collector(Box::new(all));
        Self { registry, gauges }
    }
}

/// Show the metrics
///
/// In `OpenMetrics` text. Open to this machine, and to others with the configured token.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "metrics",
    responses(
        (status = 200, content_type = "application/openmetrics-text", body = String),
        (status = 404, description = "The caller may not see them")
    )
)]
async fn metrics_read(
    State(app): State<App>,
    local: Extension<Local>,
    headers: HeaderMap,
) -> Response {
    if !local.0.0 && !has_token(&headers, app.metrics_token.as_ref()) {
        return refuse_path();
    }
    let mut text = String::new();
    match encode(&mut text, &app.metrics.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The route of this file.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics_read))
}

fn has_token(headers: &HeaderMap, token: Option<&Secret>) -> bool {
    let (Some(given), Some(token)) = (bearer(headers), token) else {
        return false;
    };
    Secret::from_text(given.to_owned()).same_as(token)
}

struct Everything {
    counts: Vec<Arc<Counts>>,
    gauges: Arc<Gauges>,
    engine: Engine,
}

impl fmt::Debug for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Everything")
            .field("gauges", &self.gauges)
            .finish_non_exhaustive()
    }
}

impl Collector for Everything {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.requests(&mut encoder)?;
        self.latencies(&mut encoder)?;
        let gauges = &self.gauges;
        for (name, help, value) in [
            ("kluis_connections", "Open connections", &gauges.connections),
            (
                "kluis_requests_in_flight",
                "Requests being answered",
                &gauges.in_flight,
            ),
        ] {
            gauge(
                &mut encoder,
                name,
                help,
                None,
                value.load(Ordering::Relaxed),
            )?;
        }
        let sealed = i64::from(self.engine.is_sealed());
        gauge(
            &mut encoder,
            "kluis_sealed",
            "Whether the server is sealed",
            None,
            sealed,
        )?;
        let help = "Requests whose handling panicked";
        let mut panics =
            encoder.encode_descriptor("kluis_panics", help, None, MetricType::Counter)?;
        let count = gauges.panics.load(Ordering::Relaxed);
        panics.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        process(&mut encoder)
    }
}

impl Everything {
    /// Only what has happened, so that an idle server's metrics are short.
    fn used(&self) -> impl Iterator<Item = &Counts> {
        let counts = self.counts.iter().map(Arc::as_ref);
        counts.filter(|counts| counts.buckets.iter().any(|n| n.load(Ordering::Relaxed) > 0))
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests answered, by API, operation and class of status";
        let mut family =
            encoder.encode_descriptor("kluis_requests", help, None, MetricType::Counter)?;
        for counts in self.used() {
            for (class, answers) in CLASSES.into_iter().zip(&counts.answers) {
                let count = answers.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = (counts.labels(), [("status", class)]);
                    let mut one = family.encode_family(&labels)?;
                    one.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
                }
            }
        }
        Ok(())
    }

    fn latencies(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "From a request's head to its answer";
        let mut family = encoder.encode_descriptor(
            "kluis_request_duration",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for counts in self.used() {
            let bounds = BOUNDS
                .iter()
                .map(|bound| seconds(*bound))
                .chain([f64::INFINITY]);
            let filled = counts
                .buckets
                .iter()
                .map(|bucket| bucket.load(Ordering::Relaxed));
            let buckets: Vec<_> = bounds.zip(filled).collect();
            let total = buckets.iter().map(|(_, count)| count).sum();
            let sum = seconds(counts.nanoseconds.load(Ordering::Relaxed));
            let labels = counts.labels();
            let mut one = family.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(sum, total, &buckets, None)?;
        }
        Ok(())
    }
}

/// Memory and processor time of this process, where the system tells.
fn process(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    if let Some(bytes) = resident_bytes() {
        let help = "Resident memory";
        gauge(
            encoder,
            "process_resident_memory",
            help,
            Some(&Unit::Bytes),
            bytes,
        )?;
    }
    if let Some(cpu) = cpu_seconds() {
        let help = "Processor time, of users and system";
        let unit = Some(&Unit::Seconds);
        let mut counter =
            encoder.encode_descriptor("process_cpu", help, unit, MetricType::Counter)?;
        counter.encode_counter::<NoLabelSet, f64, u64>(&cpu, None)?;
    }
    Ok(())
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: i64,
) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, unit, MetricType::Gauge)?
        .encode_gauge(&value)
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name, which may hold anything; fields are counted after its closing bracket.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields
        .split_ascii_whitespace()
        .skip(11)
        .map(str::parse::<u64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
/// What Linux promises to programs, whatever the kernel's own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_fall_into_their_class_and_bucket() {
        let counts = Counts::new(Some(Dialect::CloudKeep), "vault_list");
        counts.answered(StatusCode::OK, Duration::from_micros(50));
        counts.answered(StatusCode::OK, Duration::from_micros(51));
        counts.answered(StatusCode::NOT_FOUND, Duration::from_mins(1));
        let load = |numbers: &[AtomicU64]| -> Vec<u64> {
            numbers
                .iter()
                .map(|number| number.load(Ordering::Relaxed))
                .collect()
        };
        assert_eq!(load(&counts.answers), [0, 2, 0, 1, 0]);
        assert_eq!(
            load(&counts.buckets),
            [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(
            load(&[AtomicU64::new(60_000_101_000)]),
            load(std::slice::from_ref(&counts.nanoseconds))
        );
    }

    #[test]
    fn the_system_tells_memory_and_processor_time() {
        assert!(resident_bytes().unwrap() > 1 << 20);
        assert!(cpu_seconds().unwrap() >= 0.0);
    }

    #[test]
    fn only_the_configured_token_opens() {
        let token = Secret::from_text("a-token".to_owned());
        let headers = |value: &str| {
            HeaderMap::from_iter([(http::header::AUTHORIZATION, value.parse().unwrap())])
        };
        assert!(has_token(&headers("Bearer a-token"), Some(&token)));
        for wrong in [
            "Bearer a-toke",
            "Bearer a-tokens",
            "ApiKey a-token",
            "Bearer",
        ] {
            assert!(!has_token(&headers(wrong), Some(&token)), "{wrong}");
        }
        assert!(!has_token(&headers("Bearer a-token"), None));
        assert!(!has_token(&HeaderMap::new(), Some(&token)));
    }
}
