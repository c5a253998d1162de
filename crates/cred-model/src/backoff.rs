//! Waiting between tries, so that those who collided once do not collide again.

use std::time::Duration;

/// How often a compare-and-swap is tried again, and how long it waits before.
///
/// Each wait is drawn evenly between nothing and a bound that doubles from 5 ms to 250 ms ("full jitter"), a hundred
/// times at most: of sixteen processes that do nothing but write one document, each loses about four tries of five.
#[derive(Debug, Default)]
pub struct Backoff {
    retries: u32,
}

impl Backoff {
    const MAX_RETRIES: u32 = 100;
    const FIRST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_millis(250);

    /// A new count.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits before the next try; `false` at once when it has been tried often enough.
    pub async fn pause(&mut self) -> bool {
        if self.retries == Self::MAX_RETRIES {
            return false;
        }
        let bound = Self::FIRST.saturating_mul(1 << self.retries.min(10)).min(Self::LONGEST);
        self.retries += 1;
        tokio::time::sleep(bound.mul_f64(fraction())).await;
        true
    }
}

/// A random number from 0 to 1; without a source of randomness always the middle, which costs time and nothing else.
fn fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_after_a_hundred_retries() {
        let mut backoff = Backoff::new();
        for _ in 0..100 {
            assert!(backoff.pause().await);
        }
        assert!(!backoff.pause().await);
    }
}
