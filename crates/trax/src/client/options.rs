//! What a client expects of a tracker.

use std::time::Duration;

use crate::limits::Limits;

/// How a client deals with a tracker.
///
/// ```
/// use trax::{ClientOptions, Limits};
/// use std::time::Duration;
///
/// let patient = ClientOptions::default().timeout(Duration::from_secs(600)).limits(Limits::default());
/// assert_eq!(patient.limits, Limits::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The longest wait for an introduction or an answer, and for the tracker to take a request in.
    /// Default 30 s; [`Duration::MAX`] waits as long as it takes.
    pub timeout: Duration,
    /// What is accepted from the tracker.
    pub limits: Limits,
}

impl ClientOptions {
    /// Sets the longest wait.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what is accepted from the tracker.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), limits: Limits::default() }
    }
}
