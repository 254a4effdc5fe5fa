//! Faults that are responses of the sandbox.

mod bodies;
mod broken_connections;
mod echoed_key;
mod malformed_http;
mod statuses;

use b2_sandbox::Fault;

use super::fault::{FaultCase, fault};
use super::{NETWORK, PROTOCOL, Row, TIMEOUT, shared_fixture};

pub fn rows() -> Vec<Row> {
    let cases =
        [statuses::cases(), bodies::cases(), broken_connections::cases(), malformed_http::cases(), echoed_key::cases()];
    shared_fixture::rows(cases.into_iter().flatten().collect())
}

const BAD: &str = "B2_BAD_CREDENTIALS";
const CAP: &str = "B2_CAP_EXCEEDED";
const DENIED: &str = "B2_ACCESS_DENIED";
const LIMITED: &str = "B2_RATE_LIMITED";
const OTHER_KEY: &str = "B2_KEY_NOT_SUPPORTED";
const OUTAGE: &str = "B2_SERVICE_UNAVAILABLE";

/// A response that is no error of B2, in the hint of which the realm is in doubt.
fn protocol(name: &str, response: Fault) -> FaultCase {
    fault(name).response(response).status(PROTOCOL).hint("realm")
}

/// A response that is no valid HTTP.
fn not_http(name: &str, response: Fault) -> FaultCase {
    protocol(name, response).message("does not speak HTTP")
}

/// A response that is not B2's, in the hint of which a captive portal is suspected.
fn portal(name: &str, response: Fault) -> FaultCase {
    protocol(name, response).hint("portal")
}

/// An outage that is retried.
fn outage(name: &str, response: Fault) -> FaultCase {
    fault(name).response(response).status(OUTAGE).hint("outage").retried()
}

/// A response that ends too early.
fn incomplete(name: &str, response: Fault) -> FaultCase {
    fault(name).response(response).status(NETWORK).message("before its response was complete").hint("VPN").retried()
}

/// A response that does not come in time.
fn late(name: &str, response: Fault, message: &'static str) -> FaultCase {
    fault(name).response(response).status(TIMEOUT).message(message).hint("attempt_timeout_ms").retried().times_out()
}

/// An unusual response that is accepted.
fn accepted(name: &str, response: Fault) -> FaultCase {
    fault(name).response(response)
}
