//! Whether what a process has stays the same over time.
//!
//! A figure is flat if its median at the end is no more than its median after the warm-up plus what is allowed, and if
//! the line through all that lies between (Theil and Sen's, which a few outliers do not move) rises by no more either.

use crate::process_stats::Sample;

/// What a figure may rise by: so much, or so much of a hundred, whichever is more.
pub struct Allowed {
    pub least: u64,
    pub percent: u64,
}

pub struct Figure {
    pub name: &'static str,
    pub of: fn(&Sample) -> u64,
    pub allowed: Allowed,
}

/// What there was at the start, after the warm-up, at the end, and at most.
pub struct Course {
    pub start: u64,
    pub warm: u64,
    pub end: u64,
    pub most: u64,
    pub flat: bool,
}

/// How a figure went, from the first sample after the warm-up on. `None` if there is too little to tell.
pub fn course(figure: &Figure, samples: &[Sample], warm: usize) -> Option<Course> {
    let after = samples.get(warm..).filter(|after| after.len() >= 10)?;
    let values: Vec<u64> = after.iter().map(figure.of).collect();
    // Of a short run more, or a single moment would decide.
    let tenth = (values.len() / 10).max(5);
    let (first, last) = (median(&values[..tenth]), median(&values[values.len() - tenth..]));
    let allowed = figure.allowed.least.max(first * figure.allowed.percent / 100);
    #[allow(clippy::cast_precision_loss, reason = "kilobytes and seconds fit")]
    let rise = slope(&values) * values.len() as f64;
    #[allow(clippy::cast_precision_loss, reason = "kilobytes fit")]
    let flat = last <= first + allowed && rise <= allowed as f64;
    Some(Course {
        start: samples.first().map_or(0, figure.of),
        warm: first,
        end: last,
        most: samples.iter().map(figure.of).max().unwrap_or(0),
        flat,
    })
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The median of the slopes between points far apart.
fn slope(values: &[u64]) -> f64 {
    let half = values.len() / 2;
    #[allow(clippy::cast_precision_loss, reason = "kilobytes and seconds fit")]
    let mut slopes: Vec<f64> =
        (0..values.len() - half).map(|at| (values[at + half] as f64 - values[at] as f64) / half as f64).collect();
    slopes.sort_by(f64::total_cmp);
    slopes[slopes.len() / 2]
}

/// Sees that a leak would be seen, and noise would not.
pub fn check() {
    let figure = Figure { name: "", of: |sample| sample.resident_kb, allowed: Allowed { least: 1_000, percent: 3 } };
    let run = |rise: u64| {
        let at =
            |second: u64| Sample { resident_kb: 50_000 + second * rise / 10 + second % 7 * 500, ..Sample::default() };
        course(&figure, &(0..600).map(at).collect::<Vec<_>>(), 100).expect("there is enough").flat
    };
    assert!(run(0) && run(20) && !run(60), "3,000 KB more in 500 s are a leak, 1,000 are not");
}
