//! What the audience sees: spinners and colours on a terminal, plain lines elsewhere.

use std::future::Future;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::paint::Paint;

/// The stage. Lines and spinners go through it, so that they do not run into each other.
#[derive(Debug)]
pub(crate) struct Show {
    bars: MultiProgress,
    live: bool,
    paint: Paint,
    acts: Mutex<Vec<Played>>,
}

/// An act that is over.
#[derive(Debug)]
struct Played {
    title: String,
    outcome: String,
    took: Duration,
}

impl Show {
    pub(crate) fn new() -> Self {
        let live = std::io::stdout().is_terminal();
        let target = if live { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        Self {
            bars: MultiProgress::with_draw_target(target),
            live,
            paint: Paint::new(),
            acts: Mutex::default(),
        }
    }

    /// Prints a line above whatever is spinning.
    pub(crate) fn line(&self, text: &str) {
        self.bars.suspend(|| println!("{text}"));
    }

    /// Prints what an object tells about itself, or what a message says after its first line.
    pub(crate) fn aside(&self, text: &str, is_warning: bool) {
        self.line(&if is_warning { self.paint.warning(text) } else { self.paint.faint(text) });
    }

    /// Plays an act, which returns what happened in a few words, and notes how long it took.
    pub(crate) async fn act(
        &self,
        title: &str,
        text: &str,
        act: impl Future<Output = Result<String, Failure>>,
    ) -> Result<(), Failure> {
        let number = self.acts().len() + 1;
        self.line(&format!("\n{}\n{text}", self.paint.title(&format!("Act {number}: {title}"))));
        let started = Instant::now();
        let outcome = act.await?;
        self.acts().push(Played { title: title.to_owned(), outcome, took: started.elapsed() });
        Ok(())
    }

    /// Does one thing, with a spinner while it lasts and a line with its time at the end.
    pub(crate) async fn step<T>(
        &self,
        text: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let (bar, started) = (self.spinner(text), Instant::now());
        let result = work.await;
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        match &result {
            Ok(_) => {
                let took = self.paint.faint(&format!("({})", seconds(started.elapsed())));
                self.line(&format!("  {} {text} {took}", self.paint.good("✓")));
            }
            Err(_) => self.line(&format!("  {} {text}", self.paint.bad("✗"))),
        }
        result
    }

    fn spinner(&self, text: &str) -> Option<ProgressBar> {
        if !self.live {
            return None;
        }
        let style = ProgressStyle::with_template("  {spinner:.cyan} {msg} {elapsed}").ok()?;
        let bar = self.bars.add(ProgressBar::new_spinner().with_style(style).with_message(text.to_owned()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Some(bar)
    }

    /// Prints the acts with what happened and how long each took.
    pub(crate) fn table(&self) {
        let acts = self.acts();
        let width = |text: fn(&Played) -> &str| {
            acts.iter().map(|a| text(a).chars().count()).max().unwrap_or_default()
        };
        let (titles, outcomes) = (width(|a| &a.title), width(|a| &a.outcome));
        let mut table = String::new();
        for (number, act) in acts.iter().enumerate() {
            let (title, outcome, took) = (&act.title, &act.outcome, seconds(act.took));
            table.push_str(&format!("\n  {}  {title:titles$}  {outcome:outcomes$}  {took:>7}", number + 1));
        }
        let total: Duration = acts.iter().map(|act| act.took).sum();
        self.line(&format!("\n{}{table}", self.paint.title(&format!("All eight acts, {}", seconds(total)))));
    }

    /// Prints why the play ended before its time.
    pub(crate) fn failed(&self, failure: &Failure) {
        self.line(&format!("\n{} {failure}", self.paint.bad("error:")));
    }

    fn acts(&self) -> std::sync::MutexGuard<'_, Vec<Played>> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
