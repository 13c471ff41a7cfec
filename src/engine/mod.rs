//! The mail engine: is it there, does it run; stop it, start it, watch it.
//! CONTRACT: `State` and `Status` are fixed; the rest is the engine helper's work.

/// Does the engine run?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no engine on this host: nothing is in the way.
    None,
    /// It is proven stopped.
    Stopped,
    /// It runs.
    Running,
    /// It cannot be seen whether it runs (why); treated as running.
    Unknown(String),
}
