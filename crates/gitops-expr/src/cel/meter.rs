//! What evaluating costs, and what can go wrong on the way.

/// Why an evaluation ended without a value.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// A name that is neither variable nor type; selections from it are added to it.
    Unknown(String),
    /// Anything else; the text is cel-go's where it has one.
    Text(String),
    /// The budget is used up; nothing in the expression can absorb this.
    Spent,
}

impl Fault {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Fault::Text(text.into())
    }

    pub(super) fn overload() -> Self {
        Fault::text("no such overload")
    }
}

/// Counts steps down.
#[derive(Debug)]
pub(super) struct Meter {
    left: u64,
}

impl Meter {
    pub(super) fn new(steps: u64) -> Self {
        Meter { left: steps }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Pays for work.
    pub(super) fn pay(&mut self, steps: u64) -> Result<(), Fault> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Fault::Spent)
            }
        }
    }

    /// Pays for so many bytes that are read or made.
    pub(super) fn pay_bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.pay(bytes as u64 / 10)
    }
}
