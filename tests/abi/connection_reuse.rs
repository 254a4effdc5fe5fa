//! Which requests share a connection.

use b2_sandbox::Key;

use crate::support::api::Operation;
use crate::support::fixture::Fixture;

fn pair(number: usize) -> (String, String) {
    (format!("0014aa9865d6f00000001{number:04}"), format!("K001connections/of+a+test/0{number:04}"))
}

#[test]
fn a_batch_reuses_a_connection_and_single_calls_do_not() {
    let fixture = Fixture::with_options(&[("concurrency", "1")]);
    let keys: Vec<_> = (0..20).map(pair).collect();
    keys.iter().for_each(|(id, key)| fixture.sandbox.add_key(Key::master(id, key)));
    let given: Vec<_> = keys.iter().map(|(id, key)| (Some(id.as_str()), Some(key.as_str()))).collect();
    let before = fixture.sandbox.connection_count("http");
    let (_, results) = fixture.api.authorize_many(&given, &fixture.options);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(fixture.sandbox.connection_count("http") - before, 1);
    fixture.api.clear_cache();
    for (id, key) in &given[..3] {
        fixture.api.call(*id, *key, Operation::Authorize, Some(&fixture.options)).expect("granted");
    }
    assert_eq!(fixture.sandbox.connection_count("http") - before, 4);
}
