//! attrax's tests, in one program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed test may panic")]

mod against_plain;
mod dense;
mod networks;
mod numerics;
mod parameters;
mod parity;
mod readme;
mod tracking;
mod weights;

/// libtorch's generator and its threads are the process's: the tests that use them take turns. Each
/// begins with a thread for every core.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tch::set_num_threads(std::thread::available_parallelism().map_or(1, |cores| cores.get() as i32));
    turn
}
