//! The bar on standard error; it hides itself where that is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The bar. A rate and the time left are shown from the third frame on: learning the first one says
/// nothing about the others.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins; nothing is learnt yet.
    pub fn new(frames: Option<usize>) -> Self {
        let bar = frames.map_or_else(ProgressBar::no_length, |frames| ProgressBar::new(frames as u64));
        bar.set_style(style("{spinner} learning the first frame, {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// A frame is done; a video may have said how many there are.
    pub fn step(&self, declared: Option<u64>, found: bool) {
        self.bar.inc(1);
        if let (None, Some(declared)) = (self.bar.length(), declared) {
            self.bar.set_length(declared);
        }
        match self.bar.position() {
            1 => {
                self.bar.disable_steady_tick();
                self.bar.reset_eta();
                self.bar.set_style(style("{wide_bar} {pos}/{len} frames  {msg}"));
            }
            3 if self.bar.length().is_some() => {
                self.bar.set_style(style("{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left  {msg}"));
            }
            3 => self.bar.set_style(style("{wide_bar} {pos} frames, {per_sec}  {msg}")),
            _ => {}
        }
        self.bar.set_message(if found { "" } else { "target not found" });
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
