//! Whether history is kept: each thread decides for itself.

use core::cell::Cell;

thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(true) };
}

/// Whether this thread keeps history.
pub fn is_enabled() -> bool {
    ENABLED.with(Cell::get)
}

/// Makes this thread keep history, or not; returns what it did before.
pub fn set_enabled(enabled: bool) -> bool {
    ENABLED.with(|cell| cell.replace(enabled))
}

/// While it lives, this thread keeps no history.
pub struct Paused {
    before: bool,
}

impl Paused {
    /// From now on.
    pub fn new() -> Self {
        Self {
            before: set_enabled(false),
        }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        set_enabled(self.before);
    }
}
