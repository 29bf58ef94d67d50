//! What work costs: its time, and the time that processes spend on processors.

use std::error::Error;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Linux counts the time of processes in hundredths of a second, whatever the machine.
const TICK: Duration = Duration::from_millis(10);

/// Returns how many rounds are measured: five, or what `BENCH_ROUNDS` says.
#[must_use]
pub fn rounds() -> usize {
    std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5).max(1)
}

/// What a piece of work has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// How long it took.
    pub wall: Duration,
    /// How long the process was on processors, which may be several at once.
    pub cpu: Duration,
}

impl Cost {
    /// Reads what a peer prints: `{"wall": …, "cpu": …}` in microseconds.
    ///
    /// # Errors
    /// Fails when it is something else.
    pub fn read(value: &Value) -> Result<Self, Box<dyn Error>> {
        let field = |name: &str| -> Result<Duration, Box<dyn Error>> {
            let micros = value[name].as_u64().ok_or_else(|| format!("no number {name} in {value}"))?;
            Ok(Duration::from_micros(micros))
        };
        Ok(Self { wall: field("wall")?, cpu: field("cpu")? })
    }
}

/// A measurement of this process that has begun.
#[derive(Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Begins a measurement.
    #[must_use]
    pub fn start() -> Self {
        let cpu = processor_time(std::process::id());
        Self { wall: Instant::now(), cpu }
    }

    /// Returns what has been spent since the start.
    #[must_use]
    pub fn stop(&self) -> Cost {
        let wall = self.wall.elapsed();
        Cost { wall, cpu: processor_time(std::process::id()).saturating_sub(self.cpu) }
    }
}

/// Returns how long a process has been on processors, with its threads; none where that cannot be known.
#[must_use]
pub fn processor_time(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is a name in parentheses, which may hold spaces.
    let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// Returns how much memory a process has in use, in KiB; nothing where that cannot be known.
#[must_use]
pub fn resident(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Returns how long this thread has been on processors, to the nanosecond; none where that cannot be known.
#[must_use]
pub fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or_default())
}

/// Returns the median of some costs, of wall time and time on processors each.
#[must_use]
pub fn median(costs: &[Cost]) -> Cost {
    Cost { wall: middle(costs.iter().map(|cost| cost.wall)), cpu: middle(costs.iter().map(|cost| cost.cpu)) }
}

/// Returns the middle one of some times, nothing of none.
#[must_use]
pub fn middle(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Returns the shortest time that the work took in batches of five, trying again and again for `budget`.
///
/// The shortest, for whatever else the machine does only ever makes it longer.
pub fn shortest(budget: Duration, mut work: impl FnMut()) -> Duration {
    const BATCH: u32 = 5;
    work();
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < budget {
        let before = Instant::now();
        (0..BATCH).for_each(|_| work());
        best = best.min(before.elapsed() / BATCH);
    }
    best
}
