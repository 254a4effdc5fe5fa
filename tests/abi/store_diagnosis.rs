//! The step of a diagnosis that looks at the token store.

use std::fs;

use crate::support::fixture::{Fixture, ID, KEY};
use crate::support::store::{Machine, StoreDir, in_each_store};

#[test]
fn a_store_that_works_is_told_from_one_with_a_session() {
    in_each_store(|store| {
        let fixture = Fixture::new();
        let machine = Machine::new(&fixture, &store.url());
        let diagnose = || machine.api.diagnose(Some(ID), Some(KEY), Some(&machine.options));
        let found = diagnose();
        assert_eq!(found.step("store")["result"], "ok", "{}", found.report);
        assert!(found.summary("store").contains("has no session for this key"), "{}", found.summary("store"));
        machine.authorize().expect("granted");
        let found = diagnose();
        assert!(found.summary("store").contains("has a session for this key"), "{}", found.summary("store"));
        // It leaves no slot behind, and takes nothing from the store.
        let other = Machine::new(&fixture, &store.url());
        other.authorize().expect("shared");
        assert_eq!((fixture.requests(), machine.api.counter("store_hits")), (3, 0));
    });
}

#[test]
fn a_store_that_does_not_work_is_a_warning_or_a_failure_if_it_is_required() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    fs::write(&dir.path, "").expect("a file");
    for (required, result) in [("0", "warning"), ("1", "failed")] {
        let machine = Machine::with_options(&fixture, &dir.url(), &[("store_required", required)]);
        let found = machine.api.diagnose(Some(ID), Some(KEY), Some(&machine.options));
        let step = found.step("store");
        assert_eq!((&step["result"], step["advice"].is_string()), (&result.into(), true), "{}", found.report);
        assert!(found.summary("store").contains("cannot be used: it is not a folder"), "{}", found.summary("store"));
    }
}
