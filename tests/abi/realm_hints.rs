//! What people write in the place of a realm: each kind has its own hint.

use crate::support::api;

#[test]
fn each_mistake_with_a_realm_has_its_hint() {
    let api = api::load();
    let options = api.options(&[]);
    for (realm, word) in [
        ("Production", "production"),
        ("prod", "production"),
        ("eu-central-003", "one realm serves all"),
        ("us-west-004", "one realm serves all"),
        ("api.backblazeb2.com", "begin it with https://"),
        ("\"https://api.backblazeb2.com\"", "without them"),
        ("https://api.backblazeb2.com/b2api/v2", "end it before /b2api"),
        ("https://s3.us-west-004.backblazeb2.com", "S3"),
    ] {
        let failure = options.set("realm", Some(realm)).expect_err(realm);
        assert_eq!(failure.name, "B2_INVALID_ARGUMENT", "{failure}");
        let hint = failure.hint.expect("a hint");
        assert!(hint.contains(word) || failure.message.contains(word), "{realm}: {hint}");
    }
}
