//! Whether the resources of a process stay the same over time.
//!
//! A metric is flat if its median at the end exceeds its median after the warm-up by no more than the tolerance, and if the
//! Theil-Sen line through all samples between, which outliers do not affect, rises by no more either.

use crate::process_stats::Sample;

/// By how much a metric may rise: an absolute amount or a percentage, whichever is more.
pub struct Tolerance {
    pub absolute: u64,
    pub percent: u64,
}

pub struct Metric {
    pub name: &'static str,
    pub of: fn(&Sample) -> u64,
    pub tolerance: Tolerance,
}

/// A metric at the start, after the warm-up, at the end, and at its maximum.
pub struct Trend {
    pub start: u64,
    pub warm: u64,
    pub end: u64,
    pub max: u64,
    pub flat: bool,
}

/// The trend of a metric after the warm-up. `None` if there are too few samples.
pub fn trend(metric: &Metric, samples: &[Sample], warm: usize) -> Option<Trend> {
    let after = samples.get(warm..).filter(|after| after.len() >= 10)?;
    let values: Vec<u64> = after.iter().map(metric.of).collect();
    // More of a short run, so that no single sample decides.
    let tenth = (values.len() / 10).max(5);
    let (first, last) = (median(&values[..tenth]), median(&values[values.len() - tenth..]));
    let allowed = metric.tolerance.absolute.max(first * metric.tolerance.percent / 100);
    #[allow(clippy::cast_precision_loss, reason = "kilobytes and seconds fit")]
    let rise = slope(&values) * values.len() as f64;
    #[allow(clippy::cast_precision_loss, reason = "kilobytes fit")]
    let flat = last <= first + allowed && rise <= allowed as f64;
    Some(Trend {
        start: samples.first().map_or(0, metric.of),
        warm: first,
        end: last,
        max: samples.iter().map(metric.of).max().unwrap_or(0),
        flat,
    })
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The median of the slopes between distant samples.
fn slope(values: &[u64]) -> f64 {
    let half = values.len() / 2;
    #[allow(clippy::cast_precision_loss, reason = "kilobytes and seconds fit")]
    let mut slopes: Vec<f64> =
        (0..values.len() - half).map(|at| (values[at + half] as f64 - values[at] as f64) / half as f64).collect();
    slopes.sort_by(f64::total_cmp);
    slopes[slopes.len() / 2]
}

/// Checks that a leak is found, and noise is not.
pub fn self_test() {
    let metric =
        Metric { name: "", of: |sample| sample.resident_kb, tolerance: Tolerance { absolute: 1_000, percent: 3 } };
    let run = |rise: u64| {
        let at =
            |second: u64| Sample { resident_kb: 50_000 + second * rise / 10 + second % 7 * 500, ..Sample::default() };
        trend(&metric, &(0..600).map(at).collect::<Vec<_>>(), 100).expect("there are enough samples").flat
    };
    assert!(run(0) && run(20) && !run(60), "3,000 KB more in 500 s are a leak, 1,000 are not");
}
