//! b2_diagnose_json(): what each step reports where all is well, and where something is odd but works. Failures are walked
//! by the fault matrix.
use crate::support::fixture::{Fixture, ID, KEY};

#[test]
fn try_it() {
    let fixture = Fixture::new();
    println!("{:#}", fixture.api.diagnose(Some(ID), Some(KEY), Some(&fixture.options)).report);
    println!("{:#}", fixture.api.diagnose(Some(ID), Some(KEY), Some(&fixture.https_options())).report);
}
