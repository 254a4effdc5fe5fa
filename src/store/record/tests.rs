use super::*;

const BOOT: BootId = [7; 16];
const WRITTEN: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 50_000_000 };
const HOUR: i64 = 3_600_000;
const DAY: u64 = 86_400_000;
const YEARS: i64 = 20 * 365 * 24 * HOUR;

fn record() -> Record {
    Record {
        kept_ms: DAY,
        life_ms: DAY,
        left_ms: DAY,
        http: 200,
        fails: 2,
        fail_http: 503,
        pause_ms: 60_000,
        spent_milli: 5_000,
        ..Record::blank(WRITTEN, BOOT)
    }
}

/// Read when the wall clock and the boot clock have moved so far, by a machine of that boot.
fn read(wall_ms: i64, boot_ms: i64, store_age_ms: Option<u64>, boot_id: BootId) -> Reading {
    let now = Timestamp { wall_ms: WRITTEN.wall_ms + wall_ms, boot_ms: WRITTEN.boot_ms.saturating_add_signed(boot_ms) };
    Reading::new(record(), now, store_age_ms, || boot_id)
}

#[test]
fn age_is_by_the_wall_clock_where_the_store_has_none() {
    for boot_id in [BOOT, [8; 16]] {
        let reading = read(HOUR, HOUR, None, boot_id);
        assert_eq!((reading.age_ms, reading.left_ms), (3_600_000, DAY - 3_600_000));
    }
}

#[test]
fn a_clock_that_was_set_back_is_noticed_on_the_same_boot_alone() {
    let same = read(-HOUR, 2 * HOUR, None, BOOT);
    assert_eq!((same.age_ms, same.left_ms), (7_200_000, DAY - 7_200_000));
    let other = read(-HOUR, 2 * HOUR, None, [8; 16]);
    assert_eq!((other.age_ms, other.left_ms), (0, DAY));
    // Where the system does not say which boot it is, zeros must not pass for a boot.
    let mut unknown = record();
    unknown.boot_id = BootId::default();
    let now = Timestamp { wall_ms: WRITTEN.wall_ms, boot_ms: WRITTEN.boot_ms + DAY };
    assert_eq!(Reading::new(unknown, now, None, BootId::default).age_ms, 0);
}

#[test]
fn the_boot_is_asked_only_where_it_makes_a_difference() {
    let now = WRITTEN.after(std::time::Duration::from_secs(600));
    Reading::new(record(), now, None, || panic!("both clocks agree"));
    Reading::new(record(), now, Some(601_000), || panic!("the store says more"));
}

#[test]
fn a_token_never_outlives_the_sooner_of_the_clocks() {
    for wall_ms in [-YEARS, -25 * HOUR, -2 * HOUR, 0, 2 * HOUR, 25 * HOUR, YEARS] {
        for store_age in [None, Some(0), Some(7_200_000), Some(DAY), Some(u64::MAX)] {
            for boot_ms in [-HOUR, 0, HOUR, 25 * HOUR] {
                let reading = read(wall_ms, boot_ms, store_age, BOOT);
                let by = |ms: i64| DAY.saturating_sub(ms.max(0).unsigned_abs());
                let store = store_age.map_or(DAY, |age| DAY.saturating_sub(age));
                let least = by(wall_ms).min(by(boot_ms)).min(store);
                assert!(reading.left_ms <= least, "{wall_ms} {boot_ms} {store_age:?}: {}", reading.left_ms);
            }
        }
    }
    assert_eq!(read(YEARS, 0, Some(0), [8; 16]).left_ms, 0, "one request more, and then all agree");
}

#[test]
fn what_is_left_is_at_most_the_life_and_a_day() {
    let mut long = record();
    (long.left_ms, long.life_ms) = (u64::MAX, u64::MAX);
    assert_eq!(Reading::new(long, WRITTEN, None, || BOOT).left_ms, DAY);
    let mut odd = record();
    (odd.left_ms, odd.life_ms) = (DAY, 600_000);
    assert_eq!(Reading::new(odd, WRITTEN, None, || BOOT).left_ms, 600_000);
}

#[test]
fn a_wrong_clock_does_not_stretch_a_pause() {
    assert_eq!(read(0, 0, None, BOOT).pause_left_ms(), 60_000);
    assert_eq!(read(-YEARS, 0, Some(10_000), [8; 16]).pause_left_ms(), 50_000, "by the store's clock");
    assert_eq!(read(-YEARS, 10_000, None, BOOT).pause_left_ms(), 50_000, "by the boot clock");
    assert_eq!(read(-YEARS, 0, None, [8; 16]).pause_left_ms(), 60_000, "no longer than asked");
    assert_eq!(read(60_000, 60_000, None, BOOT).pause_left_ms(), 0);
    let mut endless = record();
    endless.pause_ms = u64::MAX;
    assert_eq!(Reading::new(endless, WRITTEN, None, || BOOT).pause_left_ms(), 3_600_000, "an hour at most");
}

#[test]
fn the_shared_budget_refills_with_age() {
    let wait = |ms: i64, per_minute| read(ms, ms, None, BOOT).budget_wait_ms(per_minute);
    assert_eq!(wait(0, 20), 3_000, "five at once, and then one every three seconds");
    assert_eq!(wait(2_999, 20), 3, "rounded up to a thousandth of a request");
    assert_eq!(wait(3_000, 20), 0);
    assert_eq!(wait(0, 600), 100, "each caller compares with its own limit");
    assert_eq!(wait(0, 0), 0, "which may be none");
    let mut odd = record();
    odd.spent_milli = u32::MAX;
    assert_eq!(Reading::new(odd, WRITTEN, None, || BOOT).budget_wait_ms(20), 18_000, "nobody waits for ever");
}
