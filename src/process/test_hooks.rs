//! A clock that tests turn and a panic that they plant, in builds made for this project's own tests.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::model::timestamp::Timestamp;
use crate::net::HttpTransport;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, HttpRequest, HttpResponse, Transport};

static WALL_MS: AtomicI64 = AtomicI64::new(0);
static BOOT_MS: AtomicI64 = AtomicI64::new(0);
static PANIC: AtomicBool = AtomicBool::new(false);

/// Moves each clock by that many milliseconds from where it is.
pub(crate) fn turn_clock(wall_ms: i64, boot_ms: i64) {
    WALL_MS.fetch_add(wall_ms, Ordering::SeqCst);
    BOOT_MS.fetch_add(boot_ms, Ordering::SeqCst);
}

pub(super) fn turned(now: Timestamp) -> Timestamp {
    Timestamp {
        wall_ms: now.wall_ms + WALL_MS.load(Ordering::SeqCst),
        boot_ms: now.boot_ms.saturating_add_signed(BOOT_MS.load(Ordering::SeqCst)),
    }
}

/// The next request panics, once it was sent.
pub(crate) fn plant_panic() {
    PANIC.store(true, Ordering::SeqCst);
}

/// The shipped transport, with that fault in it.
pub(super) struct PanickingTransport<T = HttpTransport>(T);

impl PanickingTransport {
    pub(super) const fn new() -> Self {
        Self(HttpTransport::new())
    }
}

impl<T: Transport> Transport for PanickingTransport<T> {
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        let response = self.0.send(request, limits);
        assert!(!PANIC.swap(false, Ordering::SeqCst), "a planted panic");
        response
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        Box::new(PanickingTransport(self.0.keep_alive()))
    }
}
