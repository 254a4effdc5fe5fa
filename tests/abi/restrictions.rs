//! The restrictions of a key in its session: one that is lost would be a security hole.

use b2_sandbox::{Fault, Key};
use serde_json::{Value, json};

use crate::reply_shapes::{refuse, respond, uncached};
use crate::support::api::Session;
use crate::support::fixture::Fixture;

const ALLOWED: &str = "/apiInfo/storageApi/allowed";

/// Whether it is restricted, the buckets with their names, and the prefix.
type Restrictions = (i32, Vec<(String, Option<String>)>, Option<String>);

fn restrictions(session: &Session) -> Restrictions {
    let count = session.number(|f| f.b2_session_bucket_count);
    let bucket = |index| {
        let id = session.text_at(|f| f.b2_session_bucket_id, index).expect("within the count");
        (id, session.text_at(|f| f.b2_session_bucket_name, index))
    };
    assert_eq!(session.text_at(|f| f.b2_session_bucket_id, count), None, "past the end");
    assert_eq!(session.text_at(|f| f.b2_session_bucket_name, usize::MAX), None, "past the end");
    let restricted = session.number(|f| f.b2_session_is_bucket_restricted);
    (restricted, (0..count).map(bucket).collect(), session.text(|f| f.b2_session_name_prefix))
}

fn buckets(list: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    list.iter().map(|(id, name)| ((*id).to_owned(), name.map(str::to_owned))).collect()
}

#[test]
fn no_list_an_empty_list_and_an_unnamed_bucket_differ() {
    let fixture = uncached();
    let answer = |list: Value| {
        restrictions(&respond(&fixture, Fault::none().set(&format!("{ALLOWED}/buckets"), list)).expect("accepted"))
    };
    assert_eq!(answer(Value::Null), (0, vec![], None));
    assert_eq!(answer(json!([])), (1, vec![], None));
    assert_eq!(answer(json!([{"id": "b0", "name": null}])), (1, buckets(&[("b0", None)]), None));
    assert_eq!(answer(json!([{"id": "b0", "name": ""}])), (1, buckets(&[("b0", Some(""))]), None));
}

#[test]
fn every_kind_of_restricted_key_is_read_correctly() {
    let fixture = uncached();
    let mine = ("d0f1e2c3b4a5968778695a4b", Some("my-bucket"));
    let photos = ("e0f1e2c3b4a5968778695a4c", Some("photos"));
    let gone = ("f0f1e2c3b4a5968778695a4d", None);
    let read = ["listBuckets", "listFiles", "readFiles"];
    let keys = [
        (Key::new("0014aa9865d6f0000000000c0", "K001one/bucket"), 0, buckets(&[]), None),
        (Key::new("0014aa9865d6f0000000000c1", "K001one/bucket").bucket(mine.0, mine.1), 1, buckets(&[mine]), None),
        (
            Key::new("0014aa9865d6f0000000000c2", "K001several").bucket(photos.0, photos.1).bucket(mine.0, mine.1),
            1,
            buckets(&[photos, mine]),
            None,
        ),
        (
            Key::new("0014aa9865d6f0000000000c3", "K001v4+only").bucket(mine.0, mine.1).v4_only(),
            1,
            buckets(&[mine]),
            None,
        ),
        (
            Key::new("0014aa9865d6f0000000000c4", "K001prefix").bucket(photos.0, photos.1).prefix("holidays/"),
            1,
            buckets(&[photos]),
            Some("holidays/"),
        ),
        (Key::new("0014aa9865d6f0000000000c5", "K001gone/bucket").bucket(gone.0, gone.1), 1, buckets(&[gone]), None),
        (Key::new("0014aa9865d6f0000000000c6", "K001no/bucket").no_buckets(), 1, buckets(&[]), None),
        (Key::new("0014aa9865d6f0000000000c7", "K001only/prefix").prefix("p"), 0, buckets(&[]), Some("p")),
        (Key::new("0014aa9865d6f0000000000c8", "K001partner").partner().no_buckets(), 1, buckets(&[]), None),
    ];
    for (key, restricted, list, prefix) in keys {
        let key = key.capabilities(read);
        let (id, secret) = (key.key_id.clone(), key.key.clone());
        fixture.sandbox.add_key(key);
        let session = fixture.authorize_key(&id, &secret, &fixture.options).expect(&secret);
        assert_eq!(restrictions(&session), (restricted, list, prefix.map(str::to_owned)), "{secret}");
        assert_eq!(session.text(|f| f.b2_session_key_id).as_deref(), Some(id.as_str()));
    }
}

#[test]
fn a_restriction_in_the_place_of_an_older_version_is_not_lost() {
    let fixture = uncached();
    let storage = json!({"bucketId": "b0", "bucketName": "photos", "namePrefix": "p"});
    let stray = Fault::none().merge(json!({"apiInfo": {"storageApi": storage}}));
    assert_eq!(
        restrictions(&respond(&fixture, stray).expect("accepted")),
        (1, buckets(&[("b0", Some("photos"))]), Some("p".to_owned()))
    );
    let other = json!({"apiInfo": {"storageApi": {
        "bucketId": "b0", "bucketName": "x", "allowed": {"buckets": [{"id": "b1", "name": null}]},
    }}});
    refuse(&fixture, Fault::none().merge(other), "apiInfo.storageApi.bucketId");
}

#[test]
fn a_key_without_storage_has_its_own_message() {
    let fixture = uncached();
    let partner = Fault::none().remove("/apiInfo/storageApi").merge(json!({"apiInfo": {"groupsApi": {}}}));
    let failure = refuse(&fixture, partner, "apiInfo.storageApi");
    assert!(failure.message.contains("other services"), "{failure}");
}

#[test]
fn capabilities_keep_their_order_and_match_by_full_name() {
    let fixture = uncached();
    let path = format!("{ALLOWED}/capabilities");
    let names = ["writeFiles", "listFiles", "madeUpNextYear", "größe"];
    let session = respond(&fixture, Fault::none().set(&path, json!(names))).expect("a new capability is no fault");
    assert_eq!(session.number(|f| f.b2_session_capability_count), 4);
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(session.text_at(|f| f.b2_session_capability, index).as_deref(), Some(name));
        assert!(session.has_capability(name));
    }
    assert_eq!(session.text_at(|f| f.b2_session_capability, 4), None);
    for other in ["readFiles", "listFile", "listFiless", "ListFiles", "listFiles ", "", "all"] {
        assert!(!session.has_capability(other), "{other}");
    }
    let none = respond(&fixture, Fault::none().set(&path, json!([]))).expect("a key may have none");
    assert_eq!(none.number(|f| f.b2_session_capability_count), 0);
    assert!(!none.has_capability(""));
}

#[test]
fn a_restricted_session_stays_restricted_in_the_cache() {
    let fixture = Fixture::new();
    fixture
        .sandbox
        .add_key(Key::new(crate::support::fixture::ID, crate::support::fixture::KEY).no_buckets().prefix("p"));
    let first = fixture.authorize().expect("granted");
    let again = fixture.authorize().expect("cached");
    assert_eq!(fixture.requests(), 1);
    assert_eq!(restrictions(&first), restrictions(&again));
    assert_eq!(restrictions(&again), (1, vec![], Some("p".to_owned())));
}
