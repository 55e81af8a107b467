//! An end of the process without clean-up.

#![allow(unsafe_code, reason = "calls C's `_exit`")]

/// Ends the process from any thread while other threads work. `std::process::exit` would first take
/// libtorch apart under them.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: the call has no conditions, and nothing runs after it.
    unsafe { libc::_exit(code) }
}
