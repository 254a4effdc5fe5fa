//! Which requests share a connection.

use b2_sandbox::Key;

use crate::support::api::Ask;
use crate::support::fixture::Scene;

fn pair(number: usize) -> (String, String) {
    (format!("0014aa9865d6f00000001{number:04}"), format!("K001connections/of+a+test/0{number:04}"))
}

#[test]
fn the_requests_of_a_batch_share_a_connection_and_those_of_single_calls_do_not() {
    let scene = Scene::with(&[("concurrency", "1")]);
    let keys: Vec<_> = (0..20).map(pair).collect();
    keys.iter().for_each(|(id, key)| scene.sandbox.add_key(Key::master(id, key)));
    let given: Vec<_> = keys.iter().map(|(id, key)| (Some(id.as_str()), Some(key.as_str()))).collect();
    let before = scene.sandbox.connection_count("http");
    let (_, outcomes) = scene.api.many(&given, &scene.options);
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(scene.sandbox.connection_count("http") - before, 1);
    scene.api.clear();
    for (id, key) in &given[..3] {
        scene.api.call(*id, *key, Ask::Authorize, Some(&scene.options)).expect("granted");
    }
    assert_eq!(scene.sandbox.connection_count("http") - before, 4);
}
