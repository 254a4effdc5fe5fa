//! Sessions.

use std::fmt;

use serde_json::Value;

use super::functions::{Functions, Handle, Text};
use super::{Api, c_string, read};

/// A session that frees itself.
pub struct Session {
    api: &'static Api,
    handle: Handle,
}

// SAFETY: the header says that any thread may read a session, and free it.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Session {
    pub(super) fn from_raw(api: &'static Api, handle: Handle) -> Self {
        Self { api, handle }
    }

    pub(super) fn raw(&self) -> Handle {
        self.handle
    }

    /// The result of a getter of text.
    pub fn text(&self, get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle) -> Text) -> Option<String> {
        // SAFETY: the handle lives.
        unsafe { read(get(&self.api.f)(self.handle)) }
    }

    /// The result of a getter of a number.
    pub fn number<T>(&self, get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle) -> T) -> T {
        // SAFETY: the handle lives.
        unsafe { get(&self.api.f)(self.handle) }
    }

    /// The result of a getter of text by index.
    pub fn text_at(
        &self,
        get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle, usize) -> Text,
        index: usize,
    ) -> Option<String> {
        // SAFETY: the handle lives.
        unsafe { read(get(&self.api.f)(self.handle, index)) }
    }

    pub fn has_capability(&self, capability: &str) -> bool {
        let capability = c_string(capability);
        // SAFETY: the handle and the text live.
        unsafe { (self.api.f.b2_session_has_capability)(self.handle, capability.as_ptr()) == 1 }
    }

    pub fn token(&self) -> String {
        self.text(|f| f.b2_session_authorization_token).expect("every session has a token")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text(|f| f.b2_session_json).expect("every session has JSON")).expect("it is JSON")
    }

    pub fn seconds_left(&self) -> i64 {
        self.number(|f| f.b2_session_seconds_left)
    }

    pub fn invalidate(&self) {
        // SAFETY: the handle lives.
        unsafe { (self.api.f.b2_session_invalidate)(self.handle) }
    }

    /// Another reference to the same session.
    pub fn retain(&self) -> Self {
        // SAFETY: the handle lives.
        Self { api: self.api, handle: unsafe { (self.api.f.b2_session_retain)(self.handle) } }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.token())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_session_free)(self.handle) }
    }
}
