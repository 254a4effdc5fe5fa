//! b2_diagnose_json().

use std::ffi::c_char;
use std::ptr::null_mut;

use serde_json::Value;

use super::{Api, Options, as_ptr, c_string, read};

/// A report of b2_diagnose_json().
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The status's name.
    pub status: String,
    pub report: Value,
}

impl Diagnosis {
    /// A step by its name.
    pub fn step(&self, name: &str) -> &Value {
        let steps = self.report["steps"].as_array().expect("a list");
        steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name} in {}", self.report))
    }

    /// The names of the steps with that result.
    pub fn steps_that_are(&self, result: &str) -> Vec<&str> {
        let steps = self.report["steps"].as_array().expect("a list");
        let found = steps.iter().filter(|step| step["result"] == result);
        found.map(|step| step["name"].as_str().expect("a name")).collect()
    }

    pub fn summary(&self, name: &str) -> &str {
        self.step(name)["summary"].as_str().expect("a text")
    }

    pub fn advice(&self, name: &str) -> Option<&str> {
        self.step(name)["advice"].as_str()
    }
}

impl Api {
    /// A diagnosis, which must be well formed and have no secrets.
    pub fn diagnose(&'static self, key_id: Option<&str>, key: Option<&str>, options: Option<&Options>) -> Diagnosis {
        self.register_key(key_id, key);
        let (key_id, key) = (key_id.map(c_string), key.map(c_string));
        let (key_id, key) = (as_ptr(key_id.as_deref()), as_ptr(key.as_deref()));
        let mut out: *mut c_char = std::ptr::dangling_mut();
        // SAFETY: the texts and the handle live through the call, and the report until it is freed.
        let (status, text) = unsafe {
            let status = (self.f.b2_diagnose_json)(key_id, key, options.map_or(null_mut(), Options::raw), &mut out);
            let text = read(out).expect("there always is a report, and it is UTF-8");
            (self.f.b2_string_free)(out);
            (self.status_text(|f| f.b2_status_name, status), text)
        };
        self.assert_no_secrets("a report", &text);
        assert!(!text.contains(|c: char| c.is_control()), "it has control characters: {text}");
        let report: Value = serde_json::from_str(&text).expect("the report is JSON");
        assert_eq!(report["status"], status.as_str(), "{report}");
        assert_eq!(report["error"].is_null(), status == "B2_OK", "{report}");
        assert!(report["requests"].as_u64().is_some_and(|requests| requests <= 1), "{report}");
        let diagnosis = Diagnosis { status, report };
        diagnosis.check_steps();
        diagnosis
    }
}

/// Every step, in their order.
const STEPS: [&str; 14] = [
    "credentials",
    "environment",
    "realm",
    "proxy",
    "roots",
    "lookUp",
    "connect",
    "tunnel",
    "tls",
    "clock",
    "authorize",
    "key",
    "token",
    "store",
];

impl Diagnosis {
    fn check_steps(&self) {
        let steps = self.report["steps"].as_array().expect("a list");
        let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().expect("a name")).collect();
        // The store alone, or the whole way.
        assert!(names == ["store"] || names == STEPS, "{}", self.report);
        for step in steps {
            let result = step["result"].as_str().expect("a text");
            assert!(["ok", "warning", "failed", "skipped"].contains(&result), "{step}");
            assert!(step["summary"].as_str().is_some_and(|summary| !summary.trim().is_empty()), "{step}");
            assert!(step["advice"].is_string() || result != "warning", "a warning says what to do: {step}");
            assert!(step["details"].is_object(), "{step}");
        }
        let failed = !self.steps_that_are("failed").is_empty();
        let expected = match (self.status.as_str(), failed, self.steps_that_are("warning").is_empty()) {
            ("B2_OK", false, true) => "ok",
            ("B2_OK", false, false) => "warning",
            _ => "failed",
        };
        assert_eq!(self.report["result"], expected, "{}", self.report);
    }
}
