//! Work shared among threads, each of which runs libtorch's operators alone.
//!
//! libtorch's own threads synchronise at the end of every operator. If another program occupies a
//! core, all of them wait for it, hundreds of times a frame. Threads that take whole chunks of
//! crops synchronise once.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::profile::{self, Stage};

/// The most threads: candidates that have a crop each are as many chunks, and each thread needs
/// memory for its own.
const MOST: usize = 16;

/// Runs `work` while libtorch has one thread in the calling thread: the setting is per thread and
/// starts at one thread for each core.
pub(super) fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Restored(i32);
    impl Drop for Restored {
        fn drop(&mut self) {
            tch::set_num_threads(self.0);
        }
    }
    let _restored = Restored(tch::get_num_threads());
    tch::set_num_threads(1);
    work()
}

/// Threads that stay: the allocator keeps each one's freed memory at hand for it, and libtorch its
/// scratch space.
#[derive(Debug)]
pub(super) struct Workers {
    /// The threads without the caller's.
    helpers: Option<ThreadPool>,
}

impl Workers {
    /// `threads` threads, the caller's among them; at least one, at most [`MOST`].
    pub fn new(threads: usize) -> Arc<Self> {
        let threads = threads.min(MOST);
        let start = |_| {
            // The setting is per thread and starts at one thread for each core.
            tch::set_num_threads(1);
        };
        let build = || ThreadPoolBuilder::new().num_threads(threads - 1).start_handler(start).build();
        let helpers = (threads > 1).then(build).and_then(|pool| {
            pool.inspect_err(|error| log::warn!("working on one thread, since others cannot be started: {error}")).ok()
        });
        Arc::new(Self { helpers })
    }

    /// How many threads there are, the caller's among them.
    pub fn count(&self) -> usize {
        1 + self.helpers.as_ref().map_or(0, ThreadPool::current_num_threads)
    }

    /// Applies `work` to every item; results are in the order of the items.
    ///
    /// Items are taken one after the other as threads become free. A panic in `work` goes on in the
    /// caller.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
        let Some(pool) = self.helpers.as_ref().filter(|_| items.len() > 1) else {
            return items.into_iter().map(work).collect();
        };
        let helpers = pool.current_num_threads().min(items.len() - 1);
        let (queue, done) = (Mutex::new(items.into_iter().enumerate()), Mutex::new(Vec::new()));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let run = || {
            while let Some((place, item)) = next() {
                let result = work(item);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
            }
        };
        let profiler = profile::current();
        let mut waiting = None;
        pool.in_place_scope(|scope| {
            (0..helpers).for_each(|_| {
                scope.spawn(|_| {
                    let lane = pool.current_thread_index().map_or(0, |place| place as u32 + 1);
                    let _recording = profiler.as_ref().map(|profiler| profiler.record(lane));
                    run();
                });
            });
            run();
            waiting = Some(profile::span(Stage::Waiting));
        });
        drop(waiting);
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;

    #[test]
    fn results_keep_the_order_of_the_items() {
        for threads in [1, 2, 7] {
            let squares = Workers::new(threads).map((0..50).collect(), |i: i32| i * i);
            assert_eq!(squares, (0..50).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_threads_go_on() {
        let workers = Workers::new(3);
        let fails = |i: i32| assert!(i != 7, "seven");
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workers.map((0..20).collect(), fails)));
        assert!(panic.is_err());
        assert_eq!(workers.map(vec![1, 2, 3], |i| i + 1), [2, 3, 4]);
    }
}
