//! What the measurements share: running a peer, what work costs, and printing a ratio.

mod cost;
mod go_peer;
pub mod load;
pub mod objects;
mod report;

pub use self::cost::{
    Cost, Stopwatch, median, middle, processor_time, resident, rounds, shortest, thread_time,
};
pub use self::go_peer::{GoPeer, go_peer};
pub use self::report::{print_at_least, print_at_most, print_bound, print_counts, print_ratio, print_times};
