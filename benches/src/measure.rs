//! Two sides, measured in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::side::{Operation, Side};

/// How long a turn takes, at least.
const TURN: Duration = Duration::from_millis(50);

/// Does something so many times.
type Work<'a> = &'a dyn Fn(u32) -> Result<()>;

/// Lets two sides take turns.
pub(crate) struct Meter {
    rounds: usize,
    runtime: Runtime,
}

/// What one operation takes: the median of all turns.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// The time of this process on all processors.
    pub(crate) processor: Duration,
}

/// Ours by theirs.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    /// The quotient of the medians.
    pub(crate) of_medians: f64,
    /// The quartiles of the quotients of each round.
    pub(crate) quartiles: [f64; 2],
}

pub(crate) struct Measured {
    pub(crate) ours: Cost,
    pub(crate) theirs: Cost,
    pub(crate) time: Ratio,
    pub(crate) processor: Ratio,
}

impl Meter {
    pub(crate) fn new(rounds: usize) -> Result<Self> {
        Ok(Self { rounds, runtime: Builder::new_multi_thread().enable_all().build()? })
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Compares an operation with so many workers on each side.
    pub(crate) fn compare(
        &self,
        operation: Operation,
        workers: usize,
        ours: &Arc<dyn Side>,
        theirs: &Arc<dyn Side>,
    ) -> Result<Measured> {
        let work = |side: &Arc<dyn Side>, times| self.block_on(repeat(operation, side, workers, times));
        self.take_turns(workers, &|times| work(ours, times), &|times| work(theirs, times))
    }

    /// Compares two ways of doing `workers` operations at a time.
    pub(crate) fn take_turns(&self, workers: usize, ours: Work<'_>, theirs: Work<'_>) -> Result<Measured> {
        let mut times = 1;
        // This warms both sides up, too.
        while cost(ours, times)?.time.min(cost(theirs, times)?.time) * times < TURN {
            times *= 2;
        }
        let mut turns = Vec::new();
        for _ in 0..self.rounds {
            turns.push([cost(ours, times)?, cost(theirs, times)?]);
        }
        let workers = u32::try_from(workers)?;
        let median_cost = |side: usize| Cost {
            time: quantile(turns.iter().map(|turn| turn[side].time), 0.5) / workers,
            processor: quantile(turns.iter().map(|turn| turn[side].processor), 0.5) / workers,
        };
        let (ours, theirs) = (median_cost(0), median_cost(1));
        let ratio = |of: fn(&Cost) -> Duration| {
            let each = || turns.iter().map(|[ours, theirs]| of(ours).div_duration_f64(of(theirs)));
            Ratio {
                of_medians: of(&ours).div_duration_f64(of(&theirs)),
                quartiles: [quantile(each(), 0.25), quantile(each(), 0.75)],
            }
        };
        Ok(Measured { ours, theirs, time: ratio(|cost| cost.time), processor: ratio(|cost| cost.processor) })
    }
}

/// Lets each worker do the operation so many times, one after the other.
async fn repeat(operation: Operation, side: &Arc<dyn Side>, workers: usize, times: u32) -> Result<()> {
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let side = Arc::clone(side);
        tasks.spawn(async move {
            for _ in 0..times {
                operation.run(&*side, worker).await?;
            }
            Ok(())
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// What `work` takes, by the time.
fn cost(work: Work<'_>, times: u32) -> Result<Cost> {
    let (clock, processor) = (Instant::now(), processor_time());
    work(times)?;
    Ok(Cost { time: clock.elapsed() / times, processor: (processor_time() - processor) / times })
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("no process has run for a negative time")
}

fn quantile<T: PartialOrd + Copy>(values: impl Iterator<Item = T>, at: f64) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort_by(|a, b| a.partial_cmp(b).expect("no quotient of durations that are not zero is NaN"));
    values[(at * (values.len() - 1) as f64).round() as usize]
}
