//! A duration as people write it.

use std::fmt;
use std::time::Duration;

/// 200 ms, 2.5 s, 15 s.
pub(crate) struct HumanDuration(pub(crate) Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let tenths = (ms + 50) / 100;
        match (ms, tenths % 10) {
            (..950, _) => write!(f, "{ms} ms"),
            (950..10_000, 1..) => write!(f, "{}.{} s", tenths / 10, tenths % 10),
            _ => write!(f, "{} s", (ms + 500) / 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        let text = |ms| HumanDuration(Duration::from_millis(ms)).to_string();
        assert_eq!([text(7), text(949), text(996), text(2_500)], ["7 ms", "949 ms", "1 s", "2.5 s"]);
        assert_eq!([text(4_996), text(14_996), text(60_000)], ["5 s", "15 s", "60 s"]);
    }
}
