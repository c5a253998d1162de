//! Waiting between tries, so that those who collided once do not collide again.

use std::time::Duration;

/// The wait before the first retry is at most this long; each later one may be twice as long.
const FIRST: Duration = Duration::from_millis(5);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_millis(250);

/// Waits before retry number `retry` (from 0), a time drawn evenly between nothing and a growing bound ("full jitter").
pub(crate) async fn pause(retry: u32) {
    let bound = FIRST.saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX)).min(LONGEST);
    tokio::time::sleep(bound.mul_f64(fraction())).await;
}

/// A random number from 0 up to 1.
fn fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}
