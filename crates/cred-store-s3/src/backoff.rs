//! Waiting between tries.

use std::time::Duration;

/// The wait before the first retry is at most this long; each later one may be three times as long.
const FIRST: Duration = Duration::from_millis(100);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits before retry number `retry` (from 0), a time drawn evenly between nothing and a growing bound ("full jitter").
///
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
pub(crate) async fn pause(retry: u32) {
    let bound = FIRST.saturating_mul(3_u32.saturating_pow(retry)).min(LONGEST);
    let fraction = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
    tokio::time::sleep(bound.mul_f64(fraction)).await;
}
